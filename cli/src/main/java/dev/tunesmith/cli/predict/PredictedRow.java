package dev.tunesmith.cli.predict;

import dev.tunesmith.cli.CommandFailure;
import dev.tunesmith.cli.ExitCode;
import dev.tunesmith.contracts.dataset.UsualRow;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// A row whose last answer is to be written by a model.
///
/// @param number place in its file, from 1
/// @param messages everything before that answer
/// @param label the answer that the row has; empty if it has none
record PredictedRow(int number, List<Object> messages, String label) {

    /// The row of any shape that holds a conversation.
    ///
    /// @throws CommandFailure naming the row if it has nothing to answer
    static PredictedRow of(int number, Map<String, Object> given) {
        UsualRow usual = UsualRow.of(given);
        if (usual.problem().isPresent()) {
            throw new CommandFailure(
                    ExitCode.USAGE, "row %d: %s".formatted(number, usual.problem().get()));
        }
        Map<String, Object> row = usual.row();
        if (row.get("prompt") instanceof String prompt) {
            Object label = row.getOrDefault("completion", row.getOrDefault("chosen", ""));
            return new PredictedRow(
                    number,
                    List.of(Map.of("role", "user", "content", prompt)),
                    label instanceof String text ? text : "");
        }
        if (!(row.get("messages") instanceof List<?> list) || list.isEmpty()) {
            throw new CommandFailure(
                    ExitCode.USAGE,
                    "row %d: expected messages, conversations, instruction or prompt"
                            .formatted(number));
        }
        List<Object> messages = new ArrayList<>(list);
        String label = "";
        if (messages.getLast() instanceof Map<?, ?> last && "assistant".equals(last.get("role"))) {
            label = last.get("content") instanceof String text ? text : "";
            messages.removeLast();
        }
        return new PredictedRow(number, messages, label);
    }

    /// The last question.
    String prompt() {
        return messages.isEmpty()
                        || !(messages.getLast() instanceof Map<?, ?> last)
                        || !(last.get("content") instanceof String text)
                ? ""
                : text;
    }
}
