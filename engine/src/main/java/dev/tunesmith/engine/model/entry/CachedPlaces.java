package dev.tunesmith.engine.model.entry;

import dev.tunesmith.engine.nn.Context;
import dev.tunesmith.engine.nn.prompt.Prefix;
import dev.tunesmith.engine.ops.CacheAttention;
import dev.tunesmith.engine.tensor.Region;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Where the new tokens of several sequences stand: in their sequence and in the cache.
///
/// @param tokens their positions, the lengths of their sequences, the first of every sequence
/// @param slots_N place of each in the cache
// Arrays: handed to native code, never compared.
@SuppressWarnings("ArrayRecordComponent")
record CachedPlaces(List<CachedBatch.Sequence> sequences, Places tokens, long[] slots_N) {

    private static CachedPlaces empty(List<CachedBatch.Sequence> sequences, int count) {
        var tokens = new Places(new int[count], new int[count], new int[sequences.size() + 1]);
        return new CachedPlaces(sequences, tokens, new long[count]);
    }

    static CachedPlaces of(KvCache cache, List<CachedBatch.Sequence> sequences) {
        int tokens = sequences.stream().mapToInt(CachedBatch.Sequence::fresh).sum();
        CachedPlaces places = empty(sequences, tokens);
        int n = 0;
        for (int s = 0; s < sequences.size(); s++) {
            CachedBatch.Sequence sequence = sequences.get(s);
            requirePages(cache, sequence);
            for (int p = sequence.cached(); p < sequence.length(); p++, n++) {
                places.tokens.positions_N()[n] = p + sequence.shift();
                places.tokens.lengths_N()[n] = sequence.length();
                long page = sequence.pages()[p / cache.pageSize()];
                places.slots_N[n] = page * cache.pageSize() + p % cache.pageSize();
            }
            places.tokens.cuSeqlens_D1()[s + 1] = n;
        }
        return places;
    }

    private static void requirePages(KvCache cache, CachedBatch.Sequence sequence) {
        long room = (long) sequence.pages().length * cache.pageSize();
        if (sequence.fresh() < 1 || sequence.cached() < 0 || room < sequence.length()) {
            throw new IllegalArgumentException(
                    "%d cached and %d new tokens do not fit into %d pages of %d"
                            .formatted(
                                    sequence.cached(),
                                    sequence.fresh(),
                                    sequence.pages().length,
                                    cache.pageSize()));
        }
        for (int page : sequence.pages()) {
            if (page < 0 || page >= cache.pages()) {
                throw new IllegalArgumentException("page %d of %d".formatted(page, cache.pages()));
            }
        }
    }

    /// The same without the first `counts_S` new tokens of each sequence.
    CachedPlaces without(int[] counts_S) {
        int gone = Arrays.stream(counts_S).sum();
        CachedPlaces left = empty(sequences, slots_N.length - gone);
        int[] cuNew_S1 = tokens.cuSeqlens_D1();
        int n = 0;
        for (int s = 0; s < counts_S.length; s++) {
            for (int from = cuNew_S1[s] + counts_S[s]; from < cuNew_S1[s + 1]; from++, n++) {
                left.tokens.positions_N()[n] = tokens.positions_N()[from];
                left.tokens.lengths_N()[n] = tokens.lengths_N()[from];
                left.slots_N[n] = slots_N[from];
            }
            left.tokens.cuSeqlens_D1()[s + 1] = n;
        }
        return left;
    }

    /// What attention needs to know of these tokens; angles are still missing.
    ///
    /// @param appended the tokens whose keys and values go into the cache
    Context.Cached context(
            KvCache cache, CachedPlaces appended, @Nullable Prefix prefix, Region region) {
        int columns = sequences.stream().mapToInt(s -> s.pages().length).max().orElse(1);
        int[] pageTable_SP = new int[sequences.size() * columns];
        int[] cuNew_S1 = tokens.cuSeqlens_D1();
        int newest = 0;
        for (int s = 0; s < sequences.size(); s++) {
            int[] pages = sequences.get(s).pages();
            System.arraycopy(pages, 0, pageTable_SP, s * columns, pages.length);
            newest = Math.max(newest, cuNew_S1[s + 1] - cuNew_S1[s]);
        }
        int[] lengths_S = sequences.stream().mapToInt(CachedBatch.Sequence::length).toArray();
        var places =
                new CacheAttention.Places(
                        region.longs(appended.slots_N),
                        region.ints(pageTable_SP).reshape(sequences.size(), columns),
                        region.ints(lengths_S),
                        region.ints(cuNew_S1),
                        cache.pageSize(),
                        newest);
        return new Context.Cached(
                places, cache.keys_L(), cache.values_L(), List.of(), prefix, cache.passed_L());
    }
}
