package dev.tunesmith.engine.ops;

import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.kernels.cpu.LayerNorm;
import org.jspecify.annotations.Nullable;

/// Normalisation of rows to mean 0 and variance 1.
public final class LayerNorms {

    private LayerNorms() {}

    /// Input and gain, and the statistics of each row that the forward pass fills in.
    public record Saved(Tensor x_NC, Tensor mean_N, Tensor r_N, Tensor gain_C) {}

    /// Where gradients go: `dx` is overwritten (it may be the gradient of the output), the others,
    /// fp32, are added to unless they are null.
    public record Gradients(Tensor dx_NC, @Nullable Tensor dGain_C, @Nullable Tensor dBias_C) {}

    /// `y = (x − mean) · r · gain + bias` with `r = (variance + eps)^−½`.
    public static void forward(Tensor y_NC, Saved saved, @Nullable Tensor bias_C, double eps) {
        Native.requireSame("layer norm", saved.x_NC, y_NC);
        kernel(saved.x_NC, eps)
                .forward(
                        saved.x_NC.address(),
                        saved.gain_C.address(),
                        bias_C == null ? 0 : bias_C.address(),
                        y_NC.address(),
                        statistics(saved));
    }

    /// Gradients of [#forward]. `scratch` lends working memory.
    public static void backward(Gradients to, Tensor dy_NC, Saved saved, Region scratch) {
        Native.requireSame("layer norm gradient", saved.x_NC, to.dx_NC, dy_NC);
        LayerNorm kernel = kernel(saved.x_NC, 0);
        Tensor dGain = to.dGain_C;
        Tensor dBias = to.dBias_C;
        long work = 0;
        if (dGain != null || dBias != null) {
            work = Elementwise.bytes(scratch, kernel.scratchBytes()).address();
        }
        kernel.backward(
                dy_NC.address(),
                saved.x_NC.address(),
                saved.gain_C.address(),
                statistics(saved),
                to.dx_NC.address(),
                new LayerNorm.Gradients(
                        dGain == null ? 0 : dGain.address(), dBias == null ? 0 : dBias.address()),
                work);
    }

    private static LayerNorm.Statistics statistics(Saved saved) {
        return new LayerNorm.Statistics(saved.mean_N.address(), saved.r_N.address());
    }

    private static LayerNorm kernel(Tensor x_NC, double eps) {
        return new LayerNorm(
                Native.element(x_NC), x_NC.rows(), x_NC.width(), (float) eps, Native.threads());
    }
}
