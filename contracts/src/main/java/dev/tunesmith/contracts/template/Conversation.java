package dev.tunesmith.contracts.template;

import dev.tunesmith.contracts.jinja.TemplateException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// What happens to a conversation before a template sees it.
final class Conversation {
    private Conversation() {}

    static TemplateException refused(String reason) {
        return TemplateException.of(TemplateException.Kind.INPUT, reason);
    }

    /// The messages without keys whose value is null, and with a thought under both of its names.
    static List<Map<String, Object>> checked(List<?> messages) {
        if (messages.isEmpty()) {
            throw refused("a conversation needs at least one message");
        }
        List<Map<String, Object>> checked = new ArrayList<>();
        for (Object message : messages) {
            if (!(message instanceof Map<?, ?> map)) {
                throw refused("message %d is no object".formatted(checked.size()));
            }
            checked.add(checked(map));
        }
        return checked;
    }

    static void checkDocuments(@Nullable List<?> documents) {
        if (documents != null && !documents.stream().allMatch(Map.class::isInstance)) {
            throw refused("documents are objects with a title and a text");
        }
    }

    private static Map<String, Object> checked(Map<?, ?> message) {
        var checked = new LinkedHashMap<String, Object>();
        Object thought = thought(message);
        if (thought != null) {
            checked.put("thinking", thought);
        }
        message.forEach((key, value) -> {
            if (value != null) {
                checked.put(key.toString(), value);
            }
        });
        if (thought != null) {
            checked.putIfAbsent("reasoning_content", thought);
        }
        return checked;
    }

    private static @Nullable Object thought(Map<?, ?> message) {
        for (String name : List.of("thinking", "reasoning_content", "reasoning")) {
            if (message.get(name) != null) {
                return message.get(name);
            }
        }
        return null;
    }

    /// A message with a mark behind one of its texts.
    static Map<String, Object> extended(Map<String, Object> message, String key, String mark) {
        var extended = new LinkedHashMap<>(message);
        Object content = message.get(key);
        if (content instanceof String text) {
            extended.put(key, text + mark);
        } else if (content instanceof List<?> parts) {
            extended.put(key, extended(parts, mark));
        } else {
            throw refused("the last message has no text under '" + key + "' that could go on");
        }
        return extended;
    }

    private static List<Object> extended(List<?> parts, String mark) {
        List<Object> extended = new ArrayList<>(parts);
        for (int i = parts.size() - 1; i >= 0; i--) {
            if (parts.get(i) instanceof Map<?, ?> part && part.get("text") instanceof String text) {
                var copy = new LinkedHashMap<Object, Object>(part);
                copy.put("text", text + mark);
                extended.set(i, copy);
                return extended;
            }
        }
        throw refused("the last message has no text part that could go on");
    }
}
