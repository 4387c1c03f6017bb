package dev.tunesmith.kernels.cpu;

/// Cross-entropy of logits rows against labels, with the gradient written over the logits.
///
/// x' = c·tanh(scale·z / c), or scale·z without cap; loss = (1−ε)(lse − x'_label) + ε(lse − mean
/// x') + λ·lse². A label of -100 gives loss 0 and gradient 0.
///
/// @param stride elements from one row to the next
/// @param softcap c, 0 for none
/// @param smoothing ε
/// @param zLoss λ
/// @param gradientScale factor of every gradient, for instance 1 / (sum of weights)
public record CrossEntropy(
        Element type,
        long rows,
        long vocabulary,
        long stride,
        float scale,
        float softcap,
        float smoothing,
        float zLoss,
        float gradientScale,
        int threads) {
    private static final CpuKernels.Kernel KERNEL =
            CpuKernels.kernel("cross_entropy", "llllllll" + "lll" + "fffff" + "ii");

    /// What is read beside the logits, and what is written.
    ///
    /// @param labels_R int32
    /// @param weights_R fp32, 0 for all ones: factor of each token's gradient, not of its loss
    /// @param entropyWeights_R fp32, 0 for none: the gradient of `weight · entropy` is added
    /// @param losses_R fp32 out, without the weight
    /// @param lse_R fp32 out, may be 0
    /// @param correct_R int32 out, 1 where the label has the largest logit; may be 0
    /// @param statistics_R3 fp32 out, may be 0: entropy, mean of x', log Σp²
    public record Tokens(
            long labels_R,
            long weights_R,
            long entropyWeights_R,
            long losses_R,
            long lse_R,
            long correct_R,
            long statistics_R3) {
        /// Without entropies and statistics.
        public Tokens(long labels_R, long weights_R, long losses_R, long lse_R, long correct_R) {
            this(labels_R, weights_R, 0, losses_R, lse_R, correct_R, 0);
        }
    }

    /// Losses only; the logits stay.
    public void forward(long logits_RV, Tokens tokens) {
        run(logits_RV, tokens, 0);
    }

    /// Losses, and the logits are overwritten with their gradient.
    public void forwardBackwardInPlace(long logits_RV, Tokens tokens) {
        run(logits_RV, tokens, 1);
    }

    private void run(long logits_RV, Tokens tokens, int gradient) {
        Status.check(
                "cross_entropy",
                this,
                () ->
                        (int)
                                KERNEL.of(type)
                                        .invokeExact(
                                                logits_RV,
                                                tokens.labels_R,
                                                tokens.weights_R,
                                                tokens.entropyWeights_R,
                                                tokens.losses_R,
                                                tokens.lse_R,
                                                tokens.correct_R,
                                                tokens.statistics_R3,
                                                rows,
                                                vocabulary,
                                                stride,
                                                scale,
                                                softcap,
                                                smoothing,
                                                zLoss,
                                                gradientScale,
                                                gradient,
                                                threads));
    }
}
