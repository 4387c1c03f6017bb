package dev.tunesmith.engine.decode;

import java.util.List;

/// A drawn token.
///
/// @param logprob natural logarithm of its probability in the distribution it was drawn from
///   (before temperature cut-offs), NaN when none was asked for
/// @param top the most probable tokens, best first
public record Draw(int token, double logprob, List<Alternative> top) {
    /// A token that could have been drawn.
    public record Alternative(int token, double logprob) {}
}
