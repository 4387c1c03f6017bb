package dev.tunesmith.contracts.chat;

import java.util.List;

/// A question and its answer.
///
/// @param source what the model reads
/// @param target what it learns to write
public record Exchange(List<Piece> source, List<Piece> target) {
    public Exchange {
        source = List.copyOf(source);
        target = List.copyOf(target);
    }
}
