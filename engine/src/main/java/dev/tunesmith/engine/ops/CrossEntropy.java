package dev.tunesmith.engine.ops;

import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/// Cross-entropy of a linear head without ever holding all logits.
///
/// Rows without a label must be left out by the caller. Logits exist for one chunk of rows at a
/// time, in one buffer; the gradient of a chunk overwrites its logits and is multiplied back at
/// once. The maths is in `kernels.md` §3.4 and §3.5: gradient in the forward pass, since the factor
/// of the loss is known before.
///
/// @param logitScale factor of the logits
/// @param softCap logits become `c · tanh(z/c)`; 0 means no cap
/// @param bias_V what is added to all logits before that; null for nothing
public record CrossEntropy(double logitScale, double softCap, @Nullable Tensor bias_V) {

    /// Keeps one chunk of bf16 logits of a large vocabulary inside a second-level cache times the
    /// number of cores; larger chunks are no faster.
    private static final long CHUNK_BYTES = 32L << 20;

    /// Columns of the statistics of a row.
    public static final int STATISTICS = 3;

    private static final int CHUNK_ROWS_MIN = 16;
    private static final int CHUNK_ROWS_MAX = 1024;

    /// What is known of every row.
    ///
    /// @param labels_M int32
    /// @param weights_M fp32 factor of the row in the loss
    /// @param losses_M fp32 out: negative log-probability of the label, without the weight
    /// @param correct_M int32 out: 1 where the label has the largest logit
    /// @param entropyWeights_M fp32: the gradient of `weight · entropy` is added; null for none
    /// @param statistics_M3 fp32 out: entropy, mean logit, log Σp²; null if nobody asks
    public record Rows(
            Tensor labels_M,
            Tensor weights_M,
            Tensor losses_M,
            Tensor correct_M,
            @Nullable Tensor entropyWeights_M,
            @Nullable Tensor statistics_M3) {
        /// Losses only.
        public Rows(Tensor labels_M, Tensor weights_M, Tensor losses_M, Tensor correct_M) {
            this(labels_M, weights_M, losses_M, correct_M, null, null);
        }
    }

    /// Where gradients go; both are multiplied by `scale`, which turns the weighted sum of the rows
    /// into the loss.
    ///
    /// @param dHidden_MD overwritten; null if nothing before the head trains
    /// @param dHead_VD fp32, added to; null if the head is frozen
    /// @param dBias_V fp32, added to; null if there is no bias that trains
    public record Gradients(
            @Nullable Tensor dHidden_MD,
            @Nullable Tensor dHead_VD,
            @Nullable Tensor dBias_V,
            double scale) {}

    /// Losses of all rows, without gradients.
    public void forward(Tensor hidden_MD, Tensor head_VD, Rows rows, Region scratch) {
        run(hidden_MD, head_VD, rows, null, scratch);
    }

    /// Losses of all rows, and gradients.
    public void forwardBackward(
            Tensor hidden_MD, Tensor head_VD, Rows rows, Gradients to, Region scratch) {
        run(hidden_MD, head_VD, rows, to, scratch);
    }

    private void run(
            Tensor hidden_MD, Tensor head_VD, Rows rows, @Nullable Gradients to, Region scratch) {
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
            kernel(z_CV, to == null ? 0 : to.scale).run(z_CV, rows, from, to != null);
            if (to != null && to.dHidden_MD != null) {
                Products.linearInput(to.dHidden_MD.rowRange(from, end), z_CV, head_VD, 0, 1);
            }
            if (to != null && to.dHead_VD != null) {
                addHeadGradient(to.dHead_VD, rounded, z_CV, h_CD);
            }
            if (to != null && to.dBias_V != null) {
                Elementwise.biasGradient(to.dBias_V, z_CV, scratch);
            }
        }
    }

    /// Products have one type: a bf16 head needs a bf16 place before its fp32 sum.
    private static Tensor roundedHeadGradient(
            Tensor head_VD, @Nullable Gradients to, Region scratch) {
        boolean needed = to != null && to.dHead_VD != null && !Products.sumsWide(head_VD.type());
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

    private Chunk kernel(Tensor logits_CV, double gradientScale) {
        return new Chunk(
                new dev.tunesmith.kernels.cpu.CrossEntropy(
                        Native.element(logits_CV),
                        logits_CV.rows(),
                        logits_CV.width(),
                        logits_CV.rowStride(),
                        (float) logitScale,
                        (float) softCap,
                        0,
                        0,
                        (float) gradientScale,
                        Native.threads()));
    }

    /// The kernel for the rows of one chunk.
    private record Chunk(dev.tunesmith.kernels.cpu.CrossEntropy kernel) {
        void run(Tensor logits_CV, Rows rows, long from, boolean gradient) {
            long offset = from * Float.BYTES;
            var tokens =
                    new dev.tunesmith.kernels.cpu.CrossEntropy.Tokens(
                            rows.labels_M.address() + offset,
                            rows.weights_M.address() + offset,
                            address(rows.entropyWeights_M, offset),
                            rows.losses_M.address() + offset,
                            0,
                            rows.correct_M.address() + offset,
                            address(rows.statistics_M3, STATISTICS * offset));
            if (gradient) {
                kernel.forwardBackwardInPlace(logits_CV.address(), tokens);
            } else {
                kernel.forward(logits_CV.address(), tokens);
            }
        }

        private static long address(@Nullable Tensor tensor, long offset) {
            return tensor == null ? 0 : tensor.address() + offset;
        }
    }
}
