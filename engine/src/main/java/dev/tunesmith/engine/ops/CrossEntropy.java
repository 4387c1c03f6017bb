package dev.tunesmith.engine.ops;

import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/// Cross-entropy of a linear head without ever holding all logits.
///
/// Rows without a label must be left out by the caller. Logits exist for one chunk of rows at a
/// time, see [ChunkedHead]. The maths is in `kernels.md` §3.4 and §3.5: gradient in the forward
/// pass, since the factor of the loss is known before.
///
/// @param logitScale factor of the logits
/// @param softCap logits become `c · tanh(z/c)`; 0 means no cap
/// @param bias_V what is added to all logits before that; null for nothing
/// @param smoothing share of a label's weight that is spread evenly over the vocabulary
public record CrossEntropy(
        double logitScale, double softCap, @Nullable Tensor bias_V, double smoothing) {

    /// Columns of the statistics of a row.
    public static final int STATISTICS = 3;

    /// What is known of every row.
    ///
    /// @param labels_M int32
    /// @param weights_M fp32 factor of the row in the loss
    /// @param losses_M fp32 out: cross-entropy of the row, smoothed, without the weight
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
        double scale = to == null ? 0 : to.scale;
        new ChunkedHead(bias_V)
                .run(
                        hidden_MD,
                        head_VD,
                        (z_CV, from) -> kernel(z_CV, scale).run(z_CV, rows, from, to != null),
                        to,
                        scratch);
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
                        (float) smoothing,
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
