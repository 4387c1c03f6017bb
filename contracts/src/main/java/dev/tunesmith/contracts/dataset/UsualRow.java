package dev.tunesmith.contracts.dataset;

import dev.tunesmith.contracts.chat.Turn;
import dev.tunesmith.contracts.dataset.MediaParts.UnreadableMediaException;
import dev.tunesmith.contracts.tool.Json;
import dev.tunesmith.contracts.tool.JsonReader;
import dev.tunesmith.contracts.tool.MalformedCallException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// A row in the shape of OpenAI's and TRL's files, made of one that has another shape.
///
/// @param row the row to check and to train
/// @param layout how the row was written; empty if it already had that shape
/// @param problem why the row cannot be used
public record UsualRow(Map<String, Object> row, Optional<Layout> layout, Optional<String> problem) {

    private static final List<String> STRUCTURES =
            List.of("messages", "conversations", "history", "tools", "chosen", "rejected");

    /// The row of any shape that is known.
    public static UsualRow of(Map<String, Object> given) {
        Map<String, Object> row = parsed(given);
        Optional<Layout> layout = layout(row);
        if (layout.isEmpty()) {
            try {
                Map<String, Object> placed = MediaParts.placed(row, MediaParts.columns(row));
                return new UsualRow(placed, layout, Optional.empty());
            } catch (UnreadableMediaException e) {
                return new UsualRow(row, layout, Optional.of(String.valueOf(e.getMessage())));
            }
        }
        boolean ranking = row.get("chosen") != null && row.get("rejected") != null;
        DatasetEntry entry = DatasetEntry.usual("", layout.get(), ranking);
        return of(new Alignment(entry, UnaryOperator.identity()).align(row), row, layout.get());
    }

    /// The row that questions and answers of a given one make.
    public static UsualRow of(AlignedRow aligned, Map<String, Object> given, Layout layout) {
        if (aligned.problem().isPresent()) {
            return new UsualRow(given, Optional.of(layout), aligned.problem());
        }
        try {
            Map<String, Object> placed = MediaParts.placed(tree(aligned), aligned.media());
            return new UsualRow(placed, Optional.of(layout), Optional.empty());
        } catch (MalformedCallException | UnreadableMediaException e) {
            return new UsualRow(
                    given, Optional.of(layout), Optional.of(String.valueOf(e.getMessage())));
        }
    }

    /// The layout that the keys of a row show; empty for rows that need no change.
    public static Optional<Layout> layout(Map<String, ?> row) {
        if (row.get("conversations") instanceof List) {
            return Optional.of(Layout.SHAREGPT);
        }
        return row.containsKey("instruction") && !row.containsKey("messages")
                ? Optional.of(Layout.ALPACA)
                : Optional.empty();
    }

    /// Fields of tables hold structures as JSON texts.
    public static Map<String, Object> parsed(Map<String, Object> given) {
        Map<String, Object> row = new LinkedHashMap<>();
        given.forEach((key, value) -> {
            if (value != null) {
                row.put(key, STRUCTURES.contains(key) ? structure(value) : value);
            }
        });
        return row;
    }

    private static Object structure(Object value) {
        if (!(value instanceof String text) || !(text.startsWith("[") || text.startsWith("{"))) {
            return value;
        }
        try {
            Object tree = JsonReader.read(text);
            return tree == null ? value : tree;
        } catch (MalformedCallException _) {
            return value;
        }
    }

    private static Map<String, Object> tree(AlignedRow aligned) {
        List<Map<String, Object>> prompt = new ArrayList<>();
        if (!aligned.system().isEmpty()) {
            prompt.add(message("system", aligned.system()));
        }
        Calls calls = new Calls();
        aligned.prompt().forEach(turn -> prompt.add(calls.message(turn)));
        List<Map<String, Object>> answers = aligned.answers().stream().map(calls::message).toList();
        Map<String, Object> tree = new LinkedHashMap<>();
        if (answers.size() == 2) {
            tree.put("prompt", prompt);
            tree.put("chosen", List.of(answers.get(0)));
            tree.put("rejected", List.of(answers.get(1)));
        } else if (aligned.desirable().isPresent()) {
            tree.put("prompt", prompt);
            tree.put("completion", answers);
            tree.put("label", aligned.desirable().get());
        } else {
            List<Map<String, Object>> all = new ArrayList<>(prompt);
            all.addAll(answers);
            tree.put("messages", all);
        }
        if (!aligned.tools().isEmpty()
                && JsonReader.read(aligned.tools()) instanceof List<?> tools
                && !tools.isEmpty()) {
            tree.put("tools", tools.stream().map(UsualRow::wrapped).toList());
        }
        return tree;
    }

    private static Object wrapped(@Nullable Object tool) {
        if (tool instanceof Map<?, ?> map && !"function".equals(map.get("type"))) {
            return Map.of("type", "function", "function", map);
        }
        return tool == null ? Map.of() : tool;
    }

    private static Map<String, Object> message(String role, String content) {
        Map<String, Object> message = new LinkedHashMap<>();
        message.put("role", role);
        message.put("content", content);
        return message;
    }

    /// Names the calls of a conversation, so that results can name the call that they answer.
    private static final class Calls {
        private final List<String> open = new ArrayList<>();
        private int count;

        Map<String, Object> message(Turn turn) {
            return switch (turn.role()) {
                case USER -> UsualRow.message("user", turn.content());
                case ASSISTANT -> UsualRow.message("assistant", turn.content());
                case CALLS -> calls(turn.content());
                case RESULT -> {
                    Map<String, Object> result = UsualRow.message("tool", turn.content());
                    result.put("tool_call_id", open.isEmpty() ? "call_0" : open.removeFirst());
                    yield result;
                }
            };
        }

        private Map<String, Object> calls(String content) {
            int begin = content.indexOf("</think>");
            String thought = begin < 0 ? "" : content.substring(0, begin + 8);
            Object tree = JsonReader.read(content.substring(thought.length()));
            List<?> list =
                    tree instanceof List<?> many ? many : java.util.Collections.singletonList(tree);
            List<Map<String, Object>> calls = new ArrayList<>();
            open.clear();
            for (Object one : list) {
                if (!(one instanceof Map<?, ?> call)
                        || !(call.get("name") instanceof String name)) {
                    throw new MalformedCallException("a call is an object with name and arguments");
                }
                String id = "call_" + ++count;
                open.add(id);
                Object arguments = call.get("arguments");
                calls.add(
                        Map.of(
                                "id",
                                id,
                                "type",
                                "function",
                                "function",
                                Map.of(
                                        "name",
                                        name,
                                        "arguments",
                                        arguments instanceof String text
                                                ? text
                                                : Json.line(arguments))));
            }
            Map<String, Object> message = UsualRow.message("assistant", thought);
            message.put("tool_calls", calls);
            return message;
        }
    }
}
