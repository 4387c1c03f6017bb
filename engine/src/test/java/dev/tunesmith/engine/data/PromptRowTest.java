package dev.tunesmith.engine.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.tunesmith.contracts.dataset.UsualRow;
import dev.tunesmith.engine.io.JsonTree;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Rows from which a model answers by itself.
class PromptRowTest {
    private static final String SYSTEM = "{\"role\":\"system\",\"content\":\"s\"}";
    private static final String ASKED = "{\"role\":\"user\",\"content\":\"q\"}";
    private static final String ANSWER = "{\"role\":\"assistant\",\"content\":\"a\"}";
    private static final String CALL =
            "{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}";
    private static final String RESULT =
            "{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\"1\"}";

    private static Map<String, Object> messages(String... all) {
        return row("{\"messages\":[%s]}".formatted(String.join(",", all)));
    }

    private static Map<String, Object> row(String json) {
        return UsualRow.of(JsonTree.parse(Path.of("rows.jsonl"), json)).row();
    }

    /// Kills: refusing whole conversations, and leaving more of them out than the last answer.
    @Test
    void ofAWholeConversationTheLastAnswerIsLeftOut() {
        assertThat(TrainingRow.prompt(messages(SYSTEM, ASKED, ANSWER, ASKED, ANSWER)))
                .isEqualTo(TrainingRow.prompt(messages(SYSTEM, ASKED, ANSWER, ASKED)));
        assertThat(TrainingRow.prompt(messages(ASKED, CALL, RESULT, ANSWER)))
                .isEqualTo(TrainingRow.prompt(messages(ASKED, CALL, RESULT)));
    }

    @Test
    void rowsOfOtherProjectsWithAnAnswerArePromptsToo() {
        Conversation expected = TrainingRow.prompt(messages(ASKED));
        assertThat(TrainingRow.prompt(row("{\"instruction\":\"q\",\"output\":\"a\"}")))
                .isEqualTo(expected);
        assertThat(
                        TrainingRow.prompt(
                                row(
                                        "{\"conversations\":[{\"from\":\"human\",\"value\":\"q\"},"
                                                + "{\"from\":\"gpt\",\"value\":\"a\"}]}")))
                .isEqualTo(expected);
    }

    /// Kills: prompts without the functions that their rows name.
    @Test
    void functionsOfARowBelongToItsPrompt() {
        Map<String, Object> row =
                row(
                        "{\"messages\":[%s],\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]}"
                                .formatted(ASKED));
        assertThat(TrainingRow.prompt(row).tools())
                .isEqualTo(List.of(Map.of("type", "function", "function", Map.of("name", "f"))));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"messages\":[" + ANSWER + "]}",
                "{\"messages\":[" + ASKED + "," + ANSWER + "," + ANSWER + "]}",
                "{\"prompt\":[" + ASKED + "," + ANSWER + "]}"
            })
    void whatHasNothingToAnswerIsRefused(String json) {
        Map<String, Object> row = JsonTree.parse(Path.of("rows.jsonl"), json);
        assertThatExceptionOfType(UnusableRowException.class)
                .isThrownBy(() -> TrainingRow.prompt(row))
                .withMessageContaining("nothing to answer");
    }
}
