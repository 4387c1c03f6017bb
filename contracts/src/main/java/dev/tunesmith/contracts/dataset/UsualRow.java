package dev.tunesmith.contracts.dataset;

import dev.tunesmith.contracts.chat.Turn;
import dev.tunesmith.contracts.dataset.MediaParts.UnreadableMediaException;
import dev.tunesmith.contracts.inspect.FindingKind;
import dev.tunesmith.contracts.tool.Json;
import dev.tunesmith.contracts.tool.JsonReader;
import dev.tunesmith.contracts.tool.MalformedCallException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// A row in the shape of OpenAI's and TRL's files, made of one that has another shape.
///
/// @param row the row to check and to train
/// @param layout how the row was written; empty if it already had that shape
/// @param problem why the row cannot be used
/// @param finding what kind of problem that is, if it has a kind of its own
public record UsualRow(
        Map<String, Object> row,
        Optional<Layout> layout,
        Optional<String> problem,
        Optional<FindingKind> finding) {

    private static final List<String> STRUCTURES =
            List.of("messages", "conversations", "history", "tools");
    private static final List<String> TURNS = List.of("prompt", "completion", "chosen", "rejected");

    public UsualRow(Map<String, Object> row, Optional<Layout> layout, Optional<String> problem) {
        this(row, layout, problem, Optional.empty());
    }

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
        return of(row, entry);
    }

    /// The row of a layout with names of its own.
    public static UsualRow of(Map<String, Object> row, DatasetEntry entry) {
        Optional<Layout> layout = Optional.of(entry.layout());
        Optional<String> other = unread(row, entry).or(() -> unasked(row, entry));
        if (other.isPresent()) {
            return new UsualRow(row, layout, other);
        }
        AlignedRow aligned = new Alignment(entry, UnaryOperator.identity(), true).align(row);
        if (aligned.problem().isPresent()) {
            return new UsualRow(row, layout, aligned.problem());
        }
        try {
            Map<String, Object> made = tree(aligned, TaggedTurns.of(entry, row));
            return new UsualRow(MediaParts.placed(made, aligned.media()), layout, Optional.empty());
        } catch (UnreadableMediaException e) {
            return new UsualRow(row, layout, Optional.of(String.valueOf(e.getMessage())));
        } catch (MalformedCallException e) {
            return new UsualRow(
                    row,
                    layout,
                    Optional.of(String.valueOf(e.getMessage())),
                    Optional.of(FindingKind.TOOL_JSON));
        }
    }

    /// What is not listed among named columns is not read; of pictures nobody would notice it.
    private static Optional<String> unread(Map<String, Object> row, DatasetEntry entry) {
        return MediaParts.columns(row).keySet().stream()
                .filter(column -> !entry.columns().containsValue(column))
                .findFirst()
                .map(column ->
                        "has %1$s, which the named columns leave out: add \"%1$s\": \"%1$s\" to them, or take that column out of the row"
                                .formatted(column));
    }

    /// A name that no row has would leave every question empty.
    private static Optional<String> unasked(Map<String, Object> row, DatasetEntry entry) {
        List<String> keys =
                Stream.of("prompt", "query").flatMap(role -> entry.column(role).stream()).toList();
        return entry.layout() != Layout.ALPACA || keys.stream().anyMatch(row::containsKey)
                ? Optional.empty()
                : Optional.of(
                        "has none of the columns that prompt and query name: "
                                + String.join(", ", keys));
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
            if (TURNS.contains(key) && value != null && isTurns(structure(value))) {
                row.put(key, structure(value));
            }
        });
        Cell.readVerdicts(row);
        return row;
    }

    /// A prompt or an answer may be any JSON text; only messages are taken for what they say.
    private static boolean isTurns(Object value) {
        List<?> list = value instanceof List<?> many ? many : List.of(value);
        return !list.isEmpty()
                && list.stream()
                        .allMatch(turn ->
                                turn instanceof Map<?, ?> map
                                        && (map.containsKey("role") || map.containsKey("from")));
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

    private static Map<String, Object> tree(AlignedRow aligned, TaggedTurns said) {
        List<Map<String, Object>> prompt = new ArrayList<>();
        if (!aligned.system().isEmpty()) {
            prompt.add(said.system(message("system", aligned.system())));
        }
        Calls calls = new Calls();
        aligned.prompt().forEach(turn -> prompt.add(said.next(calls.message(turn))));
        List<Map<String, Object>> answers = new ArrayList<>();
        aligned.answers().forEach(turn -> answers.add(said.next(calls.message(turn))));
        Map<String, Object> tree = new LinkedHashMap<>();
        if (answers.size() == 2) {
            tree.put("prompt", prompt);
            tree.put("chosen", List.of(answers.get(0)));
            tree.put("rejected", List.of(answers.get(1)));
        } else if (aligned.desirable().isPresent()) {
            tree.put("prompt", prompt);
            tree.put("completion", answers);
            tree.put("label", aligned.desirable().get());
        } else if (answers.isEmpty()) {
            tree.put("prompt", prompt);
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
            return ordered("type", "function", "function", map);
        }
        return tool == null ? Map.of() : tool;
    }

    private static Map<String, Object> message(String role, String content) {
        return ordered("role", role, "content", content);
    }

    /// Templates write functions and calls as JSON: the order of keys is part of what is trained,
    /// and must be the same in every process.
    private static Map<String, Object> ordered(
            String key, Object value, String second, Object other) {
        Map<String, Object> tree = new LinkedHashMap<>();
        tree.put(key, value);
        tree.put(second, other);
        return tree;
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
                String text = arguments instanceof String given ? given : Json.line(arguments);
                Map<String, Object> function = ordered("name", name, "arguments", text);
                Map<String, Object> made = ordered("id", id, "type", "function");
                made.put("function", function);
                calls.add(made);
            }
            Map<String, Object> message = UsualRow.message("assistant", thought);
            message.put("tool_calls", calls);
            return message;
        }
    }
}
