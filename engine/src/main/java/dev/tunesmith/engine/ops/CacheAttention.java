package dev.tunesmith.engine.ops;

import dev.tunesmith.engine.tensor.DType;
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
        Tensor sinks_H = shape.sinks_H();
        if (sinks_H != null) {
            DocumentAttention.sink(
                    out_NC, denominators(q_NC, keys, places, scratch), sinks_H, scratch);
        }
    }

    /// Logarithms of the softmax denominators, which the kernel keeps to itself, by head and new
    /// token.
    private float[] denominators(Tensor q_NC, Tensor keys, Places places, Region scratch) {
        float[] lse_HN = new float[shape.heads() * (int) q_NC.rows()];
        float[] cuNew_S1 = places.cuNew_S1.toFloats();
        float[] lengths_S = places.lengths_S.toFloats();
        float[] pageTable_SP = places.pageTable_SP.toFloats();
        int pages = (int) places.pageTable_SP.width();
        long width = (long) shape.kvHeads() * shape.headWidth();
        Tensor rows_MC = keys.reshape(keys.elements() / width, width);
        for (int s = 0; s < lengths_S.length; s++) {
            int first = (int) cuNew_S1[s];
            int fresh = (int) cuNew_S1[s + 1] - first;
            int length = (int) lengths_S[s];
            int from = shape.window() <= 0 ? 0 : Math.max(0, length - fresh - shape.window() + 1);
            int[] slots = new int[length - from];
            for (int i = 0; i < slots.length; i++) {
                int page = (int) pageTable_SP[s * pages + (from + i) / places.pageSize];
                slots[i] = page * places.pageSize + (from + i) % places.pageSize;
            }
            Tensor seen_KC = scratch.tensor(keys.type(), slots.length, width);
            Lookup.gather(seen_KC, rows_MC, scratch.ints(slots));
            Tensor new_TC = q_NC.rowRange(first, first + (long) fresh);
            for (int h = 0; h < shape.heads(); h++) {
                int group = h / (shape.heads() / shape.kvHeads());
                Tensor scores_TK = scratch.tensor(DType.F32, fresh, slots.length);
                Products.linear(scores_TK, head(new_TC, h, scratch), head(seen_KC, group, scratch));
                float[] scores = scores_TK.toFloats();
                for (int t = 0; t < fresh; t++) {
                    int last = length - fresh + t - from;
                    int earliest = shape.window() <= 0 ? 0 : Math.max(0, last - shape.window() + 1);
                    lse_HN[h * (int) q_NC.rows() + first + t] =
                            (float)
                                    logSum(
                                            scores,
                                            t * slots.length + earliest,
                                            t * slots.length + last + 1);
                }
            }
        }
        return lse_HN;
    }

    private Tensor head(Tensor x_NC, int number, Region scratch) {
        long from = (long) number * shape.headWidth();
        Tensor stored = scratch.tensor(x_NC.type(), x_NC.rows(), shape.headWidth());
        stored.copyFrom(x_NC.columnRange(from, from + shape.headWidth()));
        if (stored.type() == DType.F32) {
            return stored;
        }
        Tensor wide = scratch.tensor(DType.F32, stored.shape());
        Elementwise.convert(wide, stored);
        return wide;
    }

    private double logSum(float[] scores, int from, int to) {
        double largest = Double.NEGATIVE_INFINITY;
        for (int i = from; i < to; i++) {
            largest = Math.max(largest, scores[i] * shape.scale());
        }
        double sum = 0;
        for (int i = from; i < to; i++) {
            sum += Math.exp(scores[i] * shape.scale() - largest);
        }
        return largest + Math.log(sum);
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
