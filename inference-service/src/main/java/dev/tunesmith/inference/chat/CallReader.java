package dev.tunesmith.inference.chat;

import dev.tunesmith.contracts.tool.Signatures;
import dev.tunesmith.contracts.tool.ToolCall;
import dev.tunesmith.contracts.tool.ToolFormat;
import dev.tunesmith.platform.json.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/// Takes the function calls out of an answer as it grows, in the format that the model's template
/// shows: between marks, as `<tool_call>{"name": …, "arguments": …}</tool_call>`, or as the whole
/// answer.
///
/// What may still become a call is held back. What looks like a call and is none stays text.
final class CallReader {
    private final Supplier<String> ids;
    private final ToolFormat format;
    private final Signatures functions;
    private final String open;
    private final String close;
    private final StringBuilder held = new StringBuilder();
    private boolean inside;
    private boolean called;

    /// @param ids makes the id of each call
    /// @param functions those that may be called
    CallReader(Supplier<String> ids, ToolFormat format, Signatures functions) {
        this.ids = ids;
        this.format = format;
        this.functions = functions;
        this.open = format.marks().map(ToolFormat.Marks::open).orElse("");
        this.close = format.marks().map(ToolFormat.Marks::close).orElse("");
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
        return open.isEmpty() ? whole(last) : marked(last);
    }

    /// Without marks only the whole answer can tell; one that cannot become a call is let through.
    private Read whole(boolean last) {
        if (!last && format.mayBeCall(held.toString())) {
            return new Read("", List.of());
        }
        String answer = held.toString();
        held.setLength(0);
        List<Call> calls = last ? calls(answer) : List.of();
        called |= !calls.isEmpty();
        return new Read(calls.isEmpty() ? answer : "", calls);
    }

    private Read marked(boolean last) {
        var text = new StringBuilder();
        var calls = new ArrayList<Call>();
        int tag = held.indexOf(inside ? close : open);
        while (tag >= 0) {
            String before = held.substring(0, tag);
            held.delete(0, tag + (inside ? close : open).length());
            if (inside) {
                List<Call> found = calls(open + before + close);
                calls.addAll(found);
                text.append(found.isEmpty() ? open + before + close : "");
            } else {
                text.append(before.stripTrailing());
            }
            inside = !inside;
            tag = held.indexOf(inside ? close : open);
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
            return last ? open + rest : "";
        }
        int keep = last ? 0 : undecided(rest);
        held.delete(0, rest.length() - keep);
        String sure = rest.substring(0, rest.length() - keep);
        return called && sure.isBlank() ? "" : sure;
    }

    /// Characters at the end that may be the blanks before a call and the begin of its tag.
    private int undecided(String text) {
        int tag = 0;
        for (int length = Math.min(open.length() - 1, text.length()); length > 0; length--) {
            if (text.endsWith(open.substring(0, length))) {
                tag = length;
                break;
            }
        }
        String before = text.substring(0, text.length() - tag);
        return tag + before.length() - before.stripTrailing().length();
    }

    private List<Call> calls(String answer) {
        List<Call> calls = new ArrayList<>();
        for (ToolCall call : format.calls(answer, ToolFormat.Reading.EXACT, functions)) {
            if (!call.name().isEmpty()) {
                Object arguments = Json.read(call.arguments(), Object.class);
                calls.add(new Call(ids.get(), call.name(), Json.text(arguments)));
            }
        }
        return calls;
    }
}
