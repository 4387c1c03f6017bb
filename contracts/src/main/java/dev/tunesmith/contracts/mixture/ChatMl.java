package dev.tunesmith.contracts.mixture;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Conversations that were written out as ChatML: `<|im_start|>role`, a line feed, the text,
/// `<|im_end|>`.
public final class ChatMl {

    private static final String START = "<|im_start|>";
    private static final String END = "<|im_end|>";

    private ChatMl() {}

    /// Whether a value is a text of that kind.
    public static boolean is(@Nullable Object value) {
        return value instanceof String text && text.stripLeading().startsWith(START);
    }

    /// The messages of a text; empty if a turn has no role or no end.
    public static Optional<List<Map<String, Object>>> messages(String text) {
        List<Map<String, Object>> messages = new ArrayList<>();
        int at = text.indexOf(START);
        while (at >= 0) {
            int role = at + START.length();
            int line = text.indexOf('\n', role);
            int end = text.indexOf(END, role);
            if (line < 0 || end < line) {
                return Optional.empty();
            }
            Map<String, Object> message = new LinkedHashMap<>();
            message.put("role", text.substring(role, line).strip());
            message.put("content", text.substring(line + 1, end));
            messages.add(message);
            at = text.indexOf(START, end);
        }
        return messages.isEmpty() ? Optional.empty() : Optional.of(messages);
    }
}
