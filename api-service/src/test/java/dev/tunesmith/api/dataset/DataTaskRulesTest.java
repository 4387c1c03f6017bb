package dev.tunesmith.api.dataset;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.api.dataset.DataTaskRules.Asked;
import dev.tunesmith.contracts.event.DataTask.Verb;
import dev.tunesmith.contracts.mixture.Reading;
import dev.tunesmith.contracts.mixture.Shape;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.problem.Problems;
import dev.tunesmith.platform.json.Json;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/// What may be asked of a data task, and how everything that is wrong is said at once.
final class DataTaskRulesTest {
    private static final String FILE = "\"file\": \"file-1\", ";

    private static Asked read(String keys, Problems problems) {
        return DataTaskRules.read(Json.tree("{" + keys + "}"), problems);
    }

    private static Asked read(String keys) {
        Problems problems = new Problems();
        Asked asked = read(keys, problems);
        assertThat(problems.kept()).isEmpty();
        return asked;
    }

    private static List<Problem> refused(String keys) {
        Problems problems = new Problems();
        Asked _ = read(keys, problems);
        return problems.kept();
    }

    @Test
    void takesWhatIsAsked() {
        Asked asked =
                read(
                        FILE
                                + """
                                "verb": "check", "validation_file": "file-2", "model": "nano", "row": 1,
                                "template": "qwen", "method": "dpo", "max_seq_len": 64, "format": "csv.gz",
                                "shape": "alpaca", "validation": 0.5, "likeness": "near", "seed": 0
                                """);

        assertThat(asked.file()).isEqualTo("file-1");
        assertThat(asked.validation()).isEqualTo("file-2");
        assertThat(asked.model()).isEqualTo("nano");
        assertThat(asked.wish().verb()).isEqualTo(Verb.CHECK);
        assertThat(asked.wish().maxSeqLen()).isEqualTo(64);
        assertThat(asked.wish().format()).isEqualTo("csv.gz");
        assertThat(asked.wish().read()).isEqualTo(Reading.RECOGNISED);
    }

    @Test
    void rowsAreReadInTheWordsOfASpec() {
        Asked asked =
                read(
                        FILE
                                + """
                                "verb": "split", "validation": 3, "reading": {"kind": "csv",
                                "format": "sharegpt", "columns": {"messages": "talk"},
                                "tags": {"role_tag": "who"}}
                                """);

        Reading reading = requireNonNull(asked.wish().reading());
        assertThat(reading.format()).isEqualTo(Shape.SHAREGPT);
        assertThat(reading.columns()).containsEntry("messages", "talk");
        assertThat(reading.tags()).containsEntry("role_tag", "who");
    }

    @ParameterizedTest
    @EnumSource(
            value = Verb.class,
            names = {"PREVIEW", "TOKENS", "PACK"})
    void whatCountsTokensNeedsAModel(Verb verb) {
        String keys = FILE + "\"verb\": \"%s\"".formatted(verb.wire());

        assertThat(refused(keys)).singleElement().extracting(Problem::param).isEqualTo("model");
        assertThat(read(keys + ", \"model\": \"nano\"").wish().verb()).isEqualTo(verb);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '~',
            textBlock =
                    """
                    "row": 0                             ; row
                    "row": 1.5                           ; row
                    "row": "1"                           ; row
                    "max_seq_len": 0                     ; max_seq_len
                    "max_seq_len": 16777217              ; max_seq_len
                    "template": "nobody"                 ; template
                    "method": "grpo"                     ; method
                    "format": "xlsx"                     ; format
                    "format": "parquet.gz"               ; format
                    "shape": "text"                      ; shape
                    "likeness": "alike"                  ; likeness
                    "seed": -1                           ; seed
                    "validation": -0.1                   ; validation
                    "model": 7                           ; model
                    "rwo": 1                             ; rwo
                    "reading": "csv"                     ; reading
                    "reading": {"kind": "xlsx"}          ; reading.kind
                    "reading": {"colums": {}}            ; reading.colums
                    "reading": {"columns": {"ask": "q"}} ; reading.columns.ask
                    "reading": {"format": "text", "columns": {"prompt": "q"}} ; reading.format
                    """)
    void eachWrongValueIsNamedByItsKey(String value, String param) {
        assertThat(refused(FILE + "\"verb\": \"check\", " + value))
                .singleElement()
                .extracting(Problem::param)
                .isEqualTo(param);
    }

    @Test
    void aSplitNeedsASizeAndOnlyACheckReadsASecondFile() {
        assertThat(refused(FILE + "\"verb\": \"split\", \"validation_file\": \"file-2\""))
                .extracting(Problem::param)
                .containsExactlyInAnyOrder("validation", "validation_file");
        assertThat(refused(FILE + "\"verb\": \"split\", \"validation\": 0"))
                .extracting(Problem::param)
                .containsExactly("validation");
    }

    @Test
    void everythingIsSaidAtOnceWithTheNearestName() {
        assertThat(refused("\"verb\": \"chek\", \"modell\": \"x\", \"row\": 0"))
                .extracting(Problem::text)
                .anyMatch(text -> text.contains("verb") && text.contains("check"))
                .anyMatch(text -> text.contains("modell") && text.contains("did you mean"))
                .anyMatch(text -> text.contains("row"))
                .anyMatch(text -> text.contains("file") && text.contains("name the id"));
    }
}
