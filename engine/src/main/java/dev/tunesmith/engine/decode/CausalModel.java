package dev.tunesmith.engine.decode;

import dev.tunesmith.engine.data.Pictures;
import java.util.List;

/// A loaded model that continues several sequences at once. All calls come from the device thread.
public interface CausalModel extends AutoCloseable {
    /// Number of logits of a row.
    int vocabulary();

    /// Tokens that a sequence may have in all.
    int contextLength();

    /// Whether a sequence of that many tokens can be opened now.
    boolean hasRoom(int capacity);

    /// Makes room for one sequence.
    ///
    /// @param capacity prompt and answer together, in tokens
    Sequence open(int capacity);

    /// Makes room for another sequence that begins with the same tokens.
    ///
    /// @param capacity prompt and answer together, in tokens
    Sequence fork(Sequence begun, int capacity);

    /// Appends each chunk to its sequence.
    ///
    /// @return for each chunk the logits that it wants
    List<List<Logits>> step(List<Chunk> chunks);

    @Override
    void close();

    /// The keys and values of one sequence. Closing gives the room back.
    interface Sequence extends AutoCloseable {
        /// Tokens that are in the cache.
        int length();

        @Override
        void close();
    }

    /// New tokens of one sequence.
    ///
    /// @param wanted after which of its tokens logits are wanted
    /// @param pictures what stands at the placeholders among the tokens
    record Chunk(Sequence sequence, int[] tokens, Wanted wanted, Pictures pictures) {
        /// Without pictures.
        public Chunk(Sequence sequence, int[] tokens, Wanted wanted) {
            this(sequence, tokens, wanted, Pictures.NONE);
        }

        /// Number of rows that are wanted.
        int rows() {
            return switch (wanted) {
                case NONE -> 0;
                case LAST -> 1;
                case ALL -> tokens.length;
            };
        }
    }

    /// Which logits of a chunk are of use.
    enum Wanted {
        /// The part of a prompt that is not its end.
        NONE,
        /// Those that the next token is drawn from.
        LAST,
        /// Also those that say how likely the prompt itself is.
        ALL
    }
}
