package dev.tunesmith.engine.model.entry;

import dev.tunesmith.engine.data.Pictures;
import java.util.List;

/// New tokens of several sequences, and where those sequences lie in a [KvCache].
///
/// A sequence may bring its whole prompt, a part of it, or one token. All its new tokens come
/// directly after those that are cached.
///
/// @param ids_N new tokens, sequence after sequence
/// @param sequences one entry for each sequence, in the same order
/// @param pictures what stands at the placeholders of pictures among the new tokens
public record CachedBatch(int[] ids_N, List<Sequence> sequences, Pictures pictures) {

    /// Without pictures.
    public CachedBatch(int[] ids_N, List<Sequence> sequences) {
        this(ids_N, sequences, Pictures.NONE);
    }

    /// One sequence of the batch.
    ///
    /// @param cached tokens that are in the cache already
    /// @param fresh new tokens in this batch
    /// @param pages its pages in order; enough for all tokens, unused ones may follow
    /// @param shift how much the positions of new tokens differ from their places: pictures before
    ///   them count by their sides, see [PositionAngles#shift]
    public record Sequence(int cached, int fresh, int[] pages, int shift) {
        /// A sequence without pictures.
        public Sequence(int cached, int fresh, int[] pages) {
            this(cached, fresh, pages, 0);
        }

        /// Tokens including the new ones.
        public int length() {
            return cached + fresh;
        }
    }

    public CachedBatch {
        sequences = List.copyOf(sequences);
        int fresh = sequences.stream().mapToInt(Sequence::fresh).sum();
        if (fresh != ids_N.length || sequences.isEmpty()) {
            throw new IllegalArgumentException(
                    "%d sequences with %d new tokens, but %d ids"
                            .formatted(sequences.size(), fresh, ids_N.length));
        }
    }
}
