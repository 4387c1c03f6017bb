package dev.tunesmith.engine.ops;

import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.kernels.torch.TorchAbi;
import dev.tunesmith.kernels.torch.TorchException;

/// Operations with one number for each column of a matrix.
public final class Columns {

    private Columns() {}

    /// `y_NC = x_NC ∘ factor_C`, computed in the wider of both types; `y` may be `x`.
    public static void scale(Tensor y_NC, Tensor x_NC, Tensor factor_C) {
        if (factor_C.elements() != x_NC.width() || y_NC.rows() != x_NC.rows()) {
            throw new IllegalArgumentException("%s = %s ∘ %s".formatted(y_NC, x_NC, factor_C));
        }
        product(y_NC, x_NC, factor_C);
    }

    /// `sum_C += Σ_n a_nC ∘ b_nC`, for an fp32 sum.
    public static void addProducts(Tensor sum_C, Tensor a_NC, Tensor b_NC, Region scratch) {
        Tensor wide_NC = scratch.tensor(DType.F32, a_NC.shape());
        product(wide_NC, a_NC, b_NC);
        Elementwise.biasGradient(sum_C, wide_NC, scratch);
    }

    /// Devices have no kernel for this yet: all of it travels, and waits.
    private static void onHost(Tensor out, Tensor a, Tensor b) {
        float[] x = a.toFloats();
        float[] y = b.toFloats();
        for (int i = 0; i < x.length; i++) {
            x[i] *= y[i % y.length];
        }
        out.set(x);
    }

    private static void product(Tensor out, Tensor a, Tensor b) {
        if (out.elements() == 0) {
            return;
        }
        if (!out.owner().device().hostVisible()) {
            onHost(out, a, b);
            return;
        }
        TorchAbi torch = TorchAbi.get();
        long[] arguments = {
            torch.duplicate(a.handle()), torch.duplicate(b.handle()), torch.duplicate(out.handle())
        };
        try {
            torch.delete(torch.call("aten::mul", "out", arguments, arguments.length, 1)[0]);
        } catch (TorchException e) {
            throw new TorchException("%s = %s ∘ %s".formatted(out, a, b), e);
        }
    }
}
