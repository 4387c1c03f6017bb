package dev.tunesmith.contracts.template;

import dev.tunesmith.contracts.jinja.Effort;
import dev.tunesmith.contracts.jinja.Limits;
import dev.tunesmith.contracts.jinja.Values;
import java.util.ArrayList;
import java.util.List;

/// What was written so far, and the spans of it that an assistant is to learn.
final class Output {
    private final StringBuilder text = new StringBuilder();
    private final List<Span> spans = new ArrayList<>();

    void write(Object value) {
        int before = text.length();
        if (value instanceof MarkedText marked) {
            int start = text.length();
            Effort.items(marked.spans().size());
            for (Span span : marked.spans()) {
                spans.add(new Span(start + span.start(), start + span.end()));
            }
            text.append(marked.text());
        } else {
            text.append(Values.text(value));
        }
        Limits.checkLength(text.length());
        Effort.items((text.length() - before) / 64);
    }

    int length() {
        return text.length();
    }

    void mark(int start) {
        spans.add(new Span(start, text.length()));
    }

    String text() {
        return text.toString();
    }

    List<Span> spans() {
        return spans;
    }
}
