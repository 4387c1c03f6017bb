package dev.tunesmith.contracts.grade;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FormulaTest {

    private static final Map<String, Double> SCORES = Map.of("name", 0.5, "e_mail2", 0.25);

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "1|1",
                " ( name + e_mail2 ) / 2 |0.375",
                "2 + 3 * 4|14",
                "8 - 3 - 2|3",
                "8 / 4 / 2|1",
                "2 ^ 3 ^ 2|512",
                "-2 ^ 2|-4",
                "2 ^ -1|0.5",
                "--1|1",
                "3 * -2|-6",
                "1.5e-1 * 2E1|3",
                "min(name, e_mail2, 3)|0.25",
                "max(name, e_mail2) * abs(-2)|1",
                "floor(1.7) + ceil(1.2)|3",
                "exp(log(2)) + sqrt(9)|5"
            })
    void calculates(String text, double value) {
        assertThat(Formula.of(text).value(SCORES)).isCloseTo(value, within(1e-12));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "1 +|4|the end",
                "name e_mail2|6|expected an operator or the end, found \"e\"",
                "(1 + 2|7|expected \")\"",
                "pow(2, 3)|1|no function \"pow\"; known are min, max",
                "1 + abs(1, 2)|5|abs takes one value, found 2",
                "min()|1|at least one value",
                "1.2.3|1|\"1.2.3\" is no number",
                "name % 2|6|\"%\"",
                "a.b|2|\".\""
            })
    void namesTheColumnOfWhatItCannotRead(String text, int column, String says) {
        assertThatThrownBy(() -> Formula.of(text))
                .isInstanceOfSatisfying(
                        FormulaException.class, e -> assertThat(e.column()).isEqualTo(column))
                .hasMessageContaining("column %d: ".formatted(column))
                .hasMessageContaining(says);
    }

    @Test
    void namesWhatItNeedsOnce() {
        assertThat(Formula.of("b * max(a, b) ^ c").names()).containsExactly("a", "b", "c");
    }

    @Test
    void depthAndLengthHaveLimits() {
        assertThatThrownBy(() -> Formula.of("(".repeat(1000))).hasMessageContaining("levels");
        assertThatThrownBy(() -> Formula.of("2^".repeat(900) + "2")).hasMessageContaining("levels");
        assertThatThrownBy(() -> Formula.of("1+".repeat(1001))).hasMessageContaining("at most");
    }
}
