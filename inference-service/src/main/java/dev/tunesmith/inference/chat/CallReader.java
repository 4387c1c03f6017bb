package dev.tunesmith.inference.chat;

import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.json.JsonException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/// Takes the function calls out of an answer as it grows: `<tool_call>{"name": …, "arguments":
/// …}</tool_call>`, as models of the Hermes family (Qwen and others) write them.
///
/// What may still become a call is held back. What looks like a call and is none stays text.
final class CallReader {
    private static final String OPEN = "<tool_call>";
    private static final String CLOSE = "</tool_call>";

    private final Supplier<String> ids;
    private final StringBuilder held = new StringBuilder();
    private boolean inside;
    private boolean called;

    /// @param ids makes the id of each call
    CallReader(Supplier<String> ids) {
        this.ids = ids;
    }

    /// A call of a function.
    ///
    /// @param arguments JSON text
    record Call(String id, String name, String arguments) {}

    /// What the latest text has made certain.
    record Read(String text, List<Call> calls) {}

    /// Whether the answer calls a function so far.
    boolean hasCalled() {
        return called;
    }

    /// Reads on.
    ///
    /// @param last whether nothing follows
    Read accept(String more, boolean last) {
        held.append(more);
        var text = new StringBuilder();
        var calls = new ArrayList<Call>();
        int tag = held.indexOf(inside ? CLOSE : OPEN);
        while (tag >= 0) {
            String before = held.substring(0, tag);
            held.delete(0, tag + (inside ? CLOSE : OPEN).length());
            if (inside) {
                call(before).ifPresentOrElse(calls::add, () -> text.append(OPEN + before + CLOSE));
            } else {
                text.append(before.stripTrailing());
            }
            inside = !inside;
            tag = held.indexOf(inside ? CLOSE : OPEN);
        }
        called |= !calls.isEmpty();
        text.append(certain(last));
        return new Read(text.toString(), calls);
    }

    /// What is held and cannot be part of a call any more.
    private String certain(boolean last) {
        String rest = held.toString();
        if (inside) {
            held.setLength(last ? 0 : rest.length());
            return last ? OPEN + rest : "";
        }
        int keep = last ? 0 : undecided(rest);
        held.delete(0, rest.length() - keep);
        String sure = rest.substring(0, rest.length() - keep);
        return called && sure.isBlank() ? "" : sure;
    }

    /// Characters at the end that may be the blanks before a call and the begin of its tag.
    private static int undecided(String text) {
        int tag = 0;
        for (int length = Math.min(OPEN.length() - 1, text.length()); length > 0; length--) {
            if (text.endsWith(OPEN.substring(0, length))) {
                tag = length;
                break;
            }
        }
        String before = text.substring(0, text.length() - tag);
        return tag + before.length() - before.stripTrailing().length();
    }

    private Optional<Call> call(String json) {
        try {
            Map<String, Object> tree = Json.tree(json.strip());
            Object arguments = tree.getOrDefault("arguments", Map.of());
            return tree.get("name") instanceof String name && !name.isEmpty()
                    ? Optional.of(new Call(ids.get(), name, Json.text(arguments)))
                    : Optional.empty();
        } catch (JsonException _) {
            return Optional.empty();
        }
    }
}
