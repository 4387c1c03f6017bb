package dev.tunesmith.engine.text.vocabulary;

import java.util.Arrays;
import java.util.Optional;

/// An entry of a SentencePiece vocabulary; its id is its place in the list.
///
/// @param text a blank is written as U+2581
/// @param score higher is merged earlier (BPE), or the logarithm of a probability (Unigram)
public record Piece(String text, float score, Kind kind) {

    /// What a piece is for. SentencePiece and GGUF use the same numbers.
    public enum Kind {
        NORMAL(1),
        UNKNOWN(2),
        CONTROL(3),
        USER_DEFINED(4),
        UNUSED(5),
        BYTE(6);

        private final int number;

        Kind(int number) {
            this.number = number;
        }

        /// The kind with that number.
        public static Optional<Kind> of(long number) {
            return Arrays.stream(values()).filter(kind -> kind.number == number).findAny();
        }
    }
}
