package dev.tunesmith.engine.ops;

import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/// A linear head whose logits exist for one chunk of rows at a time, in one buffer. A loss puts the
/// gradient of a chunk in the place of its logits, and it is multiplied back at once.
///
/// @param bias_V what is added to all logits; null for nothing
public record ChunkedHead(@Nullable Tensor bias_V) {

    /// Keeps one chunk of bf16 logits of a large vocabulary inside a second-level cache times the
    /// number of cores; larger chunks are no faster.
    private static final long CHUNK_BYTES = 32L << 20;

    private static final int CHUNK_ROWS_MIN = 16;
    private static final int CHUNK_ROWS_MAX = 1024;

    /// What is done with a chunk of logits.
    @FunctionalInterface
    public interface LogitLoss {
        /// Reads the logits, and overwrites them with their gradient if one is wanted.
        ///
        /// @param from row of the chunk's first row
        void run(Tensor logits_CV, long from);
    }

    /// Shows all logits to `loss`, and takes its gradients back to hidden rows, head and bias.
    ///
    /// @param to where gradients go; null if none is wanted
    public void run(
            Tensor hidden_MD,
            Tensor head_VD,
            LogitLoss loss,
            CrossEntropy.@Nullable Gradients to,
            Region scratch) {
        long vocabulary = head_VD.size(0);
        long count = hidden_MD.rows();
        long chunk = chunkRows(vocabulary * hidden_MD.type().bytes());
        Tensor logits = scratch.tensor(hidden_MD.type(), Math.min(chunk, count), vocabulary);
        Tensor rounded = roundedHeadGradient(head_VD, to, scratch);
        for (long from = 0; from < count; from += chunk) {
            long end = Math.min(count, from + chunk);
            Tensor h_CD = hidden_MD.rowRange(from, end);
            Tensor z_CV = logits.rowRange(0, end - from);
            Products.linear(z_CV, h_CD, head_VD);
            if (bias_V != null) {
                Elementwise.addBias(z_CV, bias_V);
            }
            loss.run(z_CV, from);
            if (to != null && to.dHidden_MD() != null) {
                Products.linearInput(to.dHidden_MD().rowRange(from, end), z_CV, head_VD, 0, 1);
            }
            if (to != null && to.dHead_VD() != null) {
                addHeadGradient(to.dHead_VD(), rounded, z_CV, h_CD);
            }
            if (to != null && to.dBias_V() != null) {
                Elementwise.biasGradient(to.dBias_V(), z_CV, scratch);
            }
        }
    }

    /// Products have one type: a bf16 head needs a bf16 place before its fp32 sum.
    private static Tensor roundedHeadGradient(
            Tensor head_VD, CrossEntropy.@Nullable Gradients to, Region scratch) {
        boolean needed = to != null && to.dHead_VD() != null && !Products.sumsWide(head_VD.type());
        return needed
                ? scratch.tensor(head_VD.type(), head_VD.shape())
                : scratch.tensor(DType.F32, 0);
    }

    private static void addHeadGradient(
            Tensor dHead_VD, Tensor rounded, Tensor dLogits_CV, Tensor h_CD) {
        if (Products.sumsWide(h_CD.type())) {
            Products.linearWeight(dHead_VD, dLogits_CV, h_CD, 1, 1);
        } else {
            Products.linearWeight(rounded, dLogits_CV, h_CD, 0, 1);
            Elementwise.accumulate(dHead_VD, rounded, 1);
        }
    }

    private static long chunkRows(long rowBytes) {
        return Math.clamp(CHUNK_BYTES / rowBytes, CHUNK_ROWS_MIN, CHUNK_ROWS_MAX);
    }
}
