package dev.tunesmith.engine.data;

import java.util.List;

/// A conversation as a template wrote it.
///
/// @param text the whole text, control tokens included
/// @param answers for each assistant message, in order, which code points the model wrote
public record Rendered(String text, List<Span> answers) {

    /// Code points `[begin, end)` of a text.
    public record Span(int begin, int end) {

        public Span {
            if (begin < 0 || end < begin) {
                throw new IllegalArgumentException("span %d to %d".formatted(begin, end));
            }
        }
    }

    public Rendered {
        answers = List.copyOf(answers);
    }
}
