package dev.tunesmith.contracts.method;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.tunesmith.contracts.grade.Formula;
import dev.tunesmith.contracts.grade.Likeness;
import dev.tunesmith.contracts.method.Grader.StringCheck;
import dev.tunesmith.contracts.method.Grader.StringCheck.Operation;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GraderTest {

    private static final Map<String, Object> ITEM =
            Map.of("reference_answer", "Paris", "more", Map.of("city", "Lyon"));

    @ParameterizedTest
    @CsvSource({
        "EQ, Paris, 1",
        "EQ, paris, 0",
        "NE, Rome, 1",
        "LIKE, It is Paris., 1",
        "LIKE, It is paris., 0",
        "ILIKE, It is paris., 1"
    })
    void comparesTexts(Operation operation, String answer, double score) {
        var grader =
                new StringCheck("{{sample.output_text}}", "{{item.reference_answer}}", operation);
        assertThat(grader.score(ITEM, answer)).isEqualTo(score);
    }

    @Test
    void fillsPathsOnceAndTakesTheAnswerAsData() {
        var grader =
                new StringCheck("{{ sample.output_text }}", "{{item.more.city}}", Operation.EQ);
        assertThat(grader.score(ITEM, "Lyon")).isEqualTo(1);
        assertThat(grader.score(ITEM, "{{item.more.city}}")).isZero();
        assertThat(grader.score(Map.of(), "")).isEqualTo(1);
    }

    @Test
    void checksTheFormOfAnAnswer() {
        var grader = new Grader.Regex("{{sample.output_text}}", "^\\d+ is even$");
        assertThat(grader.score(ITEM, "12 is even")).isEqualTo(1);
        assertThat(grader.score(ITEM, "it: 12 is even")).isZero();
        assertThatThrownBy(() -> new Grader.Regex("", "(")).hasMessageContaining("pattern");
    }

    @Test
    void measuresSimilarityByEdits() {
        var grader =
                new Grader.Similarity(
                        "{{sample.output_text}}",
                        "{{item.reference_answer}}",
                        Likeness.FUZZY_MATCH);
        assertThat(grader.score(ITEM, "Paris")).isEqualTo(1);
        assertThat(grader.score(ITEM, "Pari")).isCloseTo(0.8, within(1e-9));
        assertThat(grader.score(ITEM, "")).isZero();
    }

    @Test
    void addsUpItsParts() {
        var eq = new StringCheck("{{sample.output_text}}", "Paris", Operation.EQ);
        var like = new StringCheck("{{sample.output_text}}", "Par", Operation.LIKE);
        var grader = new Grader.Multi(Map.of("eq", eq, "like", like), Map.of("like", 0.5));
        assertThat(grader.score(ITEM, "Paris")).isEqualTo(1.5);
        assertThat(grader.score(ITEM, "Parade")).isEqualTo(0.5);
    }

    @Test
    void aFormulaPutsPartsTogetherAndCountsNoNumberAsZero() {
        var eq = new StringCheck("{{sample.output_text}}", "Paris", Operation.EQ);
        var like = new StringCheck("{{sample.output_text}}", "Par", Operation.LIKE);
        Map<String, Grader> parts = Map.of("eq", eq, "like", like);
        var halves = new Grader.Multi(parts, Map.of(), Formula.of("(eq + like) / 2"));
        assertThat(halves.score(ITEM, "Parade")).isEqualTo(0.5);
        var ratio = new Grader.Multi(parts, Map.of(), Formula.of("eq / like"));
        assertThat(ratio.score(ITEM, "Rome")).as("0 / 0").isZero();
        assertThat(ratio.score(ITEM, "Paris")).isEqualTo(1);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "0.75|0.75",
                "Score: 7 of 10|1",
                "{\"steps\": [1], \"result\": 0.25}|0.25",
                "good|0"
            })
    void readsTheNumberThatAModelAnswersWith(String said, double score) {
        assertThat(asked().read(said)).isEqualTo(score);
    }

    @Test
    void asksAModelAboutTheAnswer() {
        Grader grader = new Grader.Multi(Map.of("judge", asked()), Map.of());
        assertThat(asked().question(ITEM, "Lyon").getFirst())
                .containsEntry("content", "Is Lyon the same as Paris?");
        assertThat(grader.models()).containsExactly(asked());
        assertThat(grader.score(ITEM, "Lyon", _ -> 0.5)).isEqualTo(0.5);
    }

    @Test
    void isShownAsItWasAskedFor() {
        var eq = new StringCheck("{{sample.output_text}}", "Paris", Operation.EQ);
        var multi =
                new Grader.Named(
                        "both",
                        new Grader.Multi(Map.of("same", eq), Map.of(), Formula.of("same ^ 2")));
        assertThat(multi.wire("grader"))
                .containsEntry("type", "multi")
                .containsEntry("name", "both")
                .containsEntry("calculate_output", "same ^ 2")
                .containsEntry(
                        "graders",
                        Map.of(
                                "same",
                                Map.of(
                                        "type", "string_check",
                                        "name", "same",
                                        "input", "{{sample.output_text}}",
                                        "reference", "Paris",
                                        "operation", "eq")));
    }

    private static Grader.Asked asked() {
        var line =
                new Grader.Asked.Line(
                        "user", "Is {{sample.output_text}} the same as {{item.reference_answer}}?");
        return new Grader.Asked("m", List.of(line), Grader.Asked.Sampling.USUAL, 0, 1);
    }
}
