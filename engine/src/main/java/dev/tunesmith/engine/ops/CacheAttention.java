package dev.tunesmith.engine.ops;

import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.kernels.cpu.CachedAttention;

/// Attention of new tokens to the cached keys and values of their sequences.
///
/// @param shape heads, scale, cap and window
public record CacheAttention(DocumentAttention shape) {

    /// Where sequences lie in the cache.
    ///
    /// @param slots_N int64 place of every new token: page × page size + place in the page
    /// @param pageTable_SP int32 pages of every sequence
    /// @param lengths_S int32 tokens of every sequence, the new ones included
    /// @param cuNew_S1 int32 first new token of every sequence
    /// @param newest the most new tokens that one sequence brings
    public record Places(
            Tensor slots_N,
            Tensor pageTable_SP,
            Tensor lengths_S,
            Tensor cuNew_S1,
            int pageSize,
            int newest) {}

    /// Copies the keys and values of new tokens into a layer's cache.
    public void append(Tensor k_NC, Tensor v_NC, Tensor keys, Tensor values, Places places) {
        kernel(k_NC, places)
                .append(
                        Native.strided(k_NC),
                        Native.strided(v_NC),
                        keys.address(),
                        values.address(),
                        places.slots_N.address(),
                        k_NC.rows());
    }

    /// Writes the output of every new token. `scratch` lends working memory.
    public void forward(
            Tensor out_NC, Tensor q_NC, Tensor keys, Tensor values, Places places, Region scratch) {
        CachedAttention kernel = kernel(q_NC, places);
        Tensor work = Elementwise.bytes(scratch, kernel.scratchBytes());
        kernel.forward(
                Native.strided(q_NC),
                Native.strided(out_NC),
                new CachedAttention.Cache(
                        keys.address(),
                        values.address(),
                        places.pageTable_SP.address(),
                        places.lengths_S.address(),
                        places.cuNew_S1.address()),
                shape.slopesAddress(),
                work.address());
    }

    private CachedAttention kernel(Tensor like, Places places) {
        return new CachedAttention(
                Native.element(like),
                places.lengths_S.elements(),
                places.newest,
                shape.heads(),
                shape.kvHeads(),
                shape.headWidth(),
                places.pageSize,
                places.pageTable_SP.width(),
                (float) shape.scale(),
                (float) shape.softCap(),
                shape.windowLeft(),
                Native.threads());
    }
}
