package dev.tunesmith.engine.ops;

import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.kernels.cpu.RmsNorm;
import dev.tunesmith.kernels.cpu.RmsNorm.CastMode;
import org.jspecify.annotations.Nullable;

/// Root-mean-square normalisation of rows.
///
/// With `gainOffset` 0 the normalised row is rounded to the storage type before it is multiplied by
/// the gain, as Llama does; with 1 everything up to the product with `1 + gain` is fp32, as Gemma
/// does.
public final class Norms {

    private Norms() {}

    /// `y = x · r · (gain + gainOffset)` with `r = (mean x² + eps)^−½`, which is kept in `r_N`.
    public static void rms(
            Tensor y_NC, Tensor r_N, Tensor x_NC, Tensor gain_C, double eps, int gainOffset) {
        Native.requireSame("norm", x_NC, y_NC);
        kernel(x_NC, eps, gainOffset)
                .forward(x_NC.address(), gain_C.address(), y_NC.address(), r_N.address());
    }

    /// Gradients of [#rms]: `dx` is overwritten (it may be `dy`); `dGain`, fp32, is added to unless
    /// the gain is frozen. `scratch` lends working memory.
    public static void rmsBackward(
            Tensor dx_NC,
            @Nullable Tensor dGain_C,
            Tensor dy_NC,
            Saved saved,
            int gainOffset,
            Region scratch) {
        Native.requireSame("norm gradient", saved.x_NC, dx_NC, dy_NC);
        RmsNorm kernel = kernel(saved.x_NC, 0, gainOffset);
        long work = 0;
        if (dGain_C != null) {
            work = Elementwise.bytes(scratch, kernel.scratchBytes()).address();
        }
        kernel.backward(
                dy_NC.address(),
                saved.x_NC.address(),
                saved.gain_C.address(),
                saved.r_N.address(),
                dx_NC.address(),
                dGain_C == null ? 0 : dGain_C.address(),
                work);
    }

    /// What the forward pass keeps for the backward pass.
    public record Saved(Tensor x_NC, Tensor r_N, Tensor gain_C) {}

    private static RmsNorm kernel(Tensor x_NC, double eps, int gainOffset) {
        return new RmsNorm(
                Native.element(x_NC),
                x_NC.rows(),
                x_NC.width(),
                (float) eps,
                gainOffset,
                gainOffset == 0 ? CastMode.LLAMA : CastMode.GEMMA,
                Native.threads());
    }
}
