package dev.tunesmith.contracts.grade;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class LikenessTest {

    private static final String REFERENCE = "the cat sat on the mat";

    /// ROUGE and GLEU counted by hand; BLEU and METEOR by the formulas of the papers.
    @ParameterizedTest
    @CsvSource({
        "FUZZY_MATCH, the cat sat on the hat, 0.954545",
        "ROUGE_1, the cat on a mat, 0.727273",
        "ROUGE_2, the cat on a mat, 0.222222",
        "ROUGE_L, the cat on a mat, 0.727273",
        "GLEU, the cat sat, 0.333333",
        "BLEU, the cat sat on the hat, 0.759836",
        "BLEU, the cat sat, 0.367879",
        "METEOR, the cat sat on the hat, 0.83",
        "METEOR, on the mat sat the cat, 0.9375"
    })
    void countsAsThePapersDo(Likeness metric, String text, double score) {
        assertThat(metric.of(text, REFERENCE)).isCloseTo(score, within(1e-6));
    }

    @ParameterizedTest
    @EnumSource
    void isOneForEqualTextsAndZeroForOthers(Likeness metric) {
        assertThat(metric.of(REFERENCE, REFERENCE)).isGreaterThan(0.99);
        assertThat(metric.of("xyz", REFERENCE)).isLessThan(0.15);
        assertThat(metric.of("", REFERENCE)).isZero();
        assertThat(metric.of("", "")).isEqualTo(1);
    }

    @Test
    void lettersOfScriptsWithoutBlanksAreWords() {
        assertThat(Likeness.words("我爱 big cats, 3x"))
                .containsExactly("我", "爱", "big", "cats", ",", "3x");
        assertThat(Likeness.ROUGE_1.of("我爱猫", "我爱狗")).isCloseTo(2.0 / 3, within(1e-9));
    }
}
