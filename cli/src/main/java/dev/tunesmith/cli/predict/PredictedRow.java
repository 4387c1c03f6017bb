package dev.tunesmith.cli.predict;

import dev.tunesmith.cli.CommandFailure;
import dev.tunesmith.cli.ExitCode;
import dev.tunesmith.contracts.dataset.UsualRow;
import dev.tunesmith.contracts.tool.Json;
import dev.tunesmith.contracts.tool.JsonReader;
import dev.tunesmith.contracts.tool.MalformedCallException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A row whose last answer is to be written by a model.
///
/// @param number place in its file, from 1
/// @param messages everything before that answer
/// @param tools functions that the answer may call
/// @param label the answer that the row has, functions that it calls as JSON; empty if it has none
/// @param trained the row as training takes it, empty if it has no answer
record PredictedRow(
        int number,
        List<Object> messages,
        List<?> tools,
        String label,
        Map<String, Object> trained) {

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
        List<?> tools = row.get("tools") instanceof List<?> list ? list : List.of();
        List<Object> messages = new ArrayList<>();
        if (row.get("prompt") instanceof String prompt) {
            messages.add(Map.of("role", "user", "content", prompt));
        } else if (row.get("prompt") instanceof List<?> list) {
            messages.addAll(list);
        }
        if (!messages.isEmpty()) {
            Object answer = row.getOrDefault("completion", row.getOrDefault("chosen", ""));
            List<Object> whole = new ArrayList<>(messages);
            whole.addAll(answers(answer));
            return of(number, whole, messages.size(), tools);
        }
        if (!(row.get("messages") instanceof List<?> list) || list.isEmpty()) {
            throw new CommandFailure(
                    ExitCode.USAGE,
                    "row %d: expected messages, conversations, instruction or prompt"
                            .formatted(number));
        }
        List<Object> whole = new ArrayList<>(list);
        return of(
                number, whole, isAnswer(whole.getLast()) ? whole.size() - 1 : whole.size(), tools);
    }

    private static PredictedRow of(int number, List<Object> whole, int asked, List<?> tools) {
        Map<String, Object> trained = new LinkedHashMap<>();
        String label = "";
        if (asked < whole.size() && whole.getLast() instanceof Map<?, ?> answer) {
            label = text(answer.get("content"), answer.get("tool_calls"));
            trained.put("messages", whole);
            if (!tools.isEmpty()) {
                trained.put("tools", tools);
            }
        }
        return new PredictedRow(number, whole.subList(0, asked), tools, label, trained);
    }

    private static List<?> answers(@Nullable Object answer) {
        return switch (answer) {
            case String text when !text.isEmpty() ->
                    List.of(Map.of("role", "assistant", "content", text));
            case List<?> list -> list;
            case null, default -> List.of();
        };
    }

    private static boolean isAnswer(Object message) {
        return message instanceof Map<?, ?> map && "assistant".equals(map.get("role"));
    }

    /// What an answer says, behind it the functions that it calls as a JSON list.
    static String text(@Nullable Object content, @Nullable Object calls) {
        String text = content instanceof String said ? said : "";
        if (!(calls instanceof List<?> list) || list.isEmpty()) {
            return text;
        }
        List<Object> named = new ArrayList<>();
        for (Object call : list) {
            if (call instanceof Map<?, ?> map
                    && map.get("function") instanceof Map<?, ?> function) {
                Map<String, @Nullable Object> one = new LinkedHashMap<>();
                one.put("name", function.get("name"));
                one.put("arguments", arguments(function.get("arguments")));
                named.add(one);
            }
        }
        return text + Json.line(named);
    }

    private static @Nullable Object arguments(@Nullable Object given) {
        try {
            return given instanceof String json ? JsonReader.read(json) : given;
        } catch (MalformedCallException _) {
            return given;
        }
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
