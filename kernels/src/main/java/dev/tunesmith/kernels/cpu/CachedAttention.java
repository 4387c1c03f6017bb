package dev.tunesmith.kernels.cpu;

import java.lang.invoke.MethodHandle;

/// Attention of new tokens against cached keys and values, for decoding and for prefill in chunks.
///
/// The cache is pages of (pageSize, keyHeads, width); sequence s finds page p of its tokens at
/// `pageTable[s, p]`. One page of the full context a sequence is the contiguous case. The new
/// tokens of a sequence are its last ones and their keys are already in the cache; each sees
/// everything up to itself.
///
/// @param newest the most new tokens that one sequence brings
/// @param pagesPerSequence columns of the page table
public record CachedAttention(
        Element type,
        long sequences,
        long newest,
        long heads,
        long keyHeads,
        long width,
        long pageSize,
        long pagesPerSequence,
        float scale,
        float softcap,
        long windowLeft,
        int threads) {
    private static final CpuKernels.Kernel ATTEND =
            CpuKernels.kernel("attention_cached", "lllllllll" + "lllllllll" + "ffli");
    private static final CpuKernels.Kernel APPEND =
            CpuKernels.kernel("cache_append", "lllll" + "lllll" + "i");
    private static final MethodHandle SCRATCH =
            CpuKernels.plain("ts_attention_cached_scratch", "llllllll");

    /// The cache and how sequences lie in it.
    ///
    /// @param pageTable int32 (sequences, pagesPerSequence)
    /// @param lengths_S int32, tokens of each sequence including the new ones
    /// @param cuNew_S1 int32, where each sequence's new tokens start in the rows of q
    public record Cache(long keys, long values, long pageTable, long lengths_S, long cuNew_S1) {}

    /// Writes o_N for every row of q.
    ///
    /// @param slopes_H fp32, what a score loses for each step between query and key (ALiBi); 0 for
    ///   none
    public void forward(Strided q_N, Strided o_N, Cache cache, long slopes_H, long scratch) {
        Status.check(
                "attention_cached",
                this,
                () ->
                        (int)
                                ATTEND.of(type)
                                        .invokeExact(
                                                q_N.address(),
                                                o_N.address(),
                                                cache.keys,
                                                cache.values,
                                                cache.pageTable,
                                                cache.lengths_S,
                                                cache.cuNew_S1,
                                                slopes_H,
                                                scratch,
                                                sequences,
                                                newest,
                                                heads,
                                                keyHeads,
                                                width,
                                                pageSize,
                                                pagesPerSequence,
                                                q_N.stride(),
                                                o_N.stride(),
                                                scale,
                                                softcap,
                                                windowLeft,
                                                threads));
    }

    /// Copies keys and values of new tokens to their places in the cache.
    ///
    /// @param slots_N int64, page number × pageSize + place in the page; negative is skipped
    public void append(
            Strided k_N, Strided v_N, long keys, long values, long slots_N, long tokens) {
        Status.check(
                "cache_append",
                this,
                () ->
                        (int)
                                APPEND.of(type)
                                        .invokeExact(
                                                k_N.address(),
                                                v_N.address(),
                                                keys,
                                                values,
                                                slots_N,
                                                tokens,
                                                keyHeads,
                                                width,
                                                k_N.stride(),
                                                v_N.stride(),
                                                threads));
    }

    public long scratchBytes() {
        return Status.scratch(
                "attention_cached",
                () ->
                        (long)
                                SCRATCH.invokeExact(
                                        sequences,
                                        newest,
                                        pageSize * pagesPerSequence,
                                        heads,
                                        keyHeads,
                                        width,
                                        (long) threads));
    }
}
