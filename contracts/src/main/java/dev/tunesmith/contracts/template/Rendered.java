package dev.tunesmith.contracts.template;

import java.util.List;

/// A conversation as the text that a model reads.
///
/// @param spans what the assistant said, the parts to learn; offsets are UTF-16 units of the text,
///   in rising order, empty if the template has no `{% generation %}` block
public record Rendered(String text, List<Span> spans) {
    public Rendered {
        spans = List.copyOf(spans);
    }

    /// The spans counted in code points, as tokenizers count.
    public List<Span> codePointSpans() {
        return spans.stream()
                .map(span ->
                        new Span(
                                text.codePointCount(0, span.start()),
                                text.codePointCount(0, span.end())))
                .toList();
    }
}
