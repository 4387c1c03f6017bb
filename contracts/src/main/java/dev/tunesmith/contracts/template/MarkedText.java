package dev.tunesmith.contracts.template;

import dev.tunesmith.contracts.jinja.Effort;
import dev.tunesmith.contracts.jinja.TextMethods;
import java.util.ArrayList;
import java.util.List;

/// A text that knows which parts of it stand in `{% generation %}` blocks.
///
/// Macros and set blocks give such texts, so that the spans survive until they are printed. In
/// every other operation it is its text.
record MarkedText(String text, List<Span> spans) {
    static Object of(Output output) {
        return output.spans().isEmpty()
                ? output.text()
                : new MarkedText(output.text(), List.copyOf(output.spans()));
    }

    /// The value without marks.
    static Object plain(Object value) {
        return value instanceof MarkedText marked ? marked.text : value;
    }

    /// The same text without the whitespace around it.
    Object trimmed() {
        Effort.items(spans.size());
        String left = TextMethods.strip(text, null, true, false);
        String both = TextMethods.strip(left, null, false, true);
        int cut = text.length() - left.length();
        List<Span> moved = new ArrayList<>();
        for (Span span : spans) {
            int start = Math.clamp(span.start() - cut, 0, both.length());
            int end = Math.clamp(span.end() - cut, 0, both.length());
            moved.add(new Span(start, end));
        }
        return new MarkedText(both, List.copyOf(moved));
    }
}
