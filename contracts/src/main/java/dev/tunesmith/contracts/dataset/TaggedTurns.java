package dev.tunesmith.contracts.dataset;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// What the messages of a conversation say beside role and text, which their turns do not hold:
/// weights, thoughts, text beside calls, names of calls, and lists of parts.
final class TaggedTurns {

    private static final List<String> KEPT =
            List.of("name", "reasoning_content", "reasoning", "thinking");

    private final DatasetEntry entry;
    private final Optional<Map<?, ?>> system;
    private final List<?> messages;

    /// Names of calls by the ones that were made up for them.
    private final Map<String, Object> names = new HashMap<>();

    private int next;

    private TaggedTurns(DatasetEntry entry, Optional<Map<?, ?>> system, List<?> messages) {
        this.entry = entry;
        this.system = system;
        this.messages = messages;
    }

    /// The messages behind the turns of a row that was aligned; none in a layout without messages.
    static TaggedTurns of(DatasetEntry entry, Map<String, ?> row) {
        Object column = column(entry, row, "messages");
        if (entry.layout() == Layout.ALPACA || !(column instanceof List<?> list)) {
            return new TaggedTurns(entry, Optional.empty(), List.of());
        }
        Optional<Map<?, ?>> system = Optional.empty();
        if (!list.isEmpty()
                && list.getFirst() instanceof Map<?, ?> first
                && entry.tag("system_tag").equals(first.get(entry.tag("role_tag")))) {
            system = Optional.of(first);
        }
        List<@Nullable Object> messages =
                new ArrayList<>(list.subList(system.isPresent() ? 1 : 0, list.size()));
        if (entry.ranking()) {
            messages.add(column(entry, row, "chosen"));
            messages.add(column(entry, row, "rejected"));
        }
        return new TaggedTurns(entry, system, messages);
    }

    private static @Nullable Object column(DatasetEntry entry, Map<String, ?> row, String role) {
        return row.get(entry.column(role).orElse(""));
    }

    /// The system message with its parts, if it has any.
    Map<String, Object> system(Map<String, Object> made) {
        system.flatMap(this::parts).ifPresent(parts -> made.put("content", parts));
        return made;
    }

    /// The message made of the next turn, with everything else that its own message says.
    Map<String, Object> next(Map<String, Object> made) {
        if (next >= messages.size() || !(messages.get(next++) instanceof Map<?, ?> message)) {
            return made;
        }
        for (String key : KEPT) {
            copy(message, key, made);
        }
        parts(message).ifPresent(parts -> made.put("content", parts));
        switch (String.valueOf(made.get("role"))) {
            case "assistant" -> {
                copy(message, "weight", made);
                calls(message, made);
            }
            case "tool" -> {
                Object named = names.get(String.valueOf(made.get("tool_call_id")));
                if (named != null) {
                    made.put("tool_call_id", named);
                }
                copy(message, "tool_call_id", made);
            }
            default -> {
                // Questions have nothing more.
            }
        }
        return made;
    }

    private void copy(Map<?, ?> message, String key, Map<String, Object> made) {
        boolean tagged = key.equals(entry.tag("role_tag")) || key.equals(entry.tag("content_tag"));
        Object value = message.get(key);
        if (!tagged && value != null) {
            made.put(key, value);
        }
    }

    /// A text that is a list of parts.
    private Optional<List<?>> parts(Map<?, ?> message) {
        return message.get(entry.tag("content_tag")) instanceof List<?> parts
                        && parts.stream()
                                .allMatch(part ->
                                        part instanceof Map<?, ?> map
                                                && map.get("type") instanceof String)
                ? Optional.of(parts)
                : Optional.empty();
    }

    /// Calls keep their names and the text beside them.
    private void calls(Map<?, ?> message, Map<String, Object> made) {
        if (!(message.get("tool_calls") instanceof List<?> given)
                || !(made.get("tool_calls") instanceof List<?> list)
                || given.size() != list.size()) {
            return;
        }
        if (message.get(entry.tag("content_tag")) instanceof String text) {
            made.put("content", text);
        }
        List<Object> calls = new ArrayList<>();
        for (int i = 0; i < list.size(); i++) {
            Map<String, Object> call = new LinkedHashMap<>();
            if (list.get(i) instanceof Map<?, ?> known) {
                known.forEach((key, value) -> call.put(key.toString(), value));
            }
            if (given.get(i) instanceof Map<?, ?> own && own.get("id") instanceof String id) {
                names.put(String.valueOf(call.get("id")), id);
                call.put("id", id);
            }
            calls.add(call);
        }
        made.put("tool_calls", calls);
    }
}
