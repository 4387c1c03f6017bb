package dev.tunesmith.engine.decode;

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

    /// Appends each chunk to its sequence.
    ///
    /// @return for each chunk the logits after its last token, `[vocabulary]`; an empty row where
    ///   [Chunk#wantsLogits] is false
    List<float[]> step(List<Chunk> chunks);

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
    /// @param wantsLogits false for the part of a prompt that is not its end
    record Chunk(Sequence sequence, int[] tokens, boolean wantsLogits) {}
}
