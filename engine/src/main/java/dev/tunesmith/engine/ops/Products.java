package dev.tunesmith.engine.ops;

import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.kernels.torch.TorchAbi;
import dev.tunesmith.kernels.torch.TorchException;

/// Matrix products. Inputs and outputs have one type; sums run in fp32 inside.
public final class Products {

    private Products() {}

    /// `y_NO = x_NI · w_OIᵀ`, the forward pass of a linear layer.
    public static void linear(Tensor y_NO, Tensor x_NI, Tensor w_OI) {
        linear(y_NO, x_NI, w_OI, 0, 1);
    }

    /// `y_NO = beta · y_NO + alpha · x_NI · w_OIᵀ`.
    public static void linear(Tensor y_NO, Tensor x_NI, Tensor w_OI, double beta, double alpha) {
        requireShapes(y_NO, x_NI.rows(), w_OI.size(0), x_NI.width(), w_OI.size(1));
        run(y_NO, x_NI, x_NI.handle(), w_OI, w_OI.transposedHandle(), beta, alpha);
    }

    /// `dx_NI = beta · dx_NI + alpha · dy_NO · w_OI`, the input gradient of a linear layer.
    public static void linearInput(
            Tensor dx_NI, Tensor dy_NO, Tensor w_OI, double beta, double alpha) {
        requireShapes(dx_NI, dy_NO.rows(), w_OI.size(1), dy_NO.width(), w_OI.size(0));
        run(dx_NI, dy_NO, dy_NO.handle(), w_OI, w_OI.handle(), beta, alpha);
    }

    /// `dw_OI = beta · dw_OI + alpha · dy_NOᵀ · x_NI`, the weight gradient of a linear layer.
    public static void linearWeight(
            Tensor dw_OI, Tensor dy_NO, Tensor x_NI, double beta, double alpha) {
        requireShapes(dw_OI, dy_NO.width(), x_NI.width(), dy_NO.rows(), x_NI.rows());
        run(dw_OI, dy_NO, dy_NO.transposedHandle(), x_NI, x_NI.handle(), beta, alpha);
    }

    private static void requireShapes(
            Tensor out, long rows, long columns, long inner, long innerOfOther) {
        if (out.rows() != rows || out.width() != columns || inner != innerOfOther) {
            throw new IllegalArgumentException(
                    "product of [%d, %d] and [%d, %d] into %s"
                            .formatted(rows, inner, innerOfOther, columns, out));
        }
    }

    private static void run(
            Tensor out, Tensor a, long aHandle, Tensor b, long bHandle, double beta, double alpha) {
        if (out.elements() == 0) {
            return;
        }
        TorchAbi torch = TorchAbi.get();
        try {
            if (beta == 0 && alpha == 1) {
                torch.mm(out.handle(), aHandle, bHandle);
            } else {
                torch.addmm(out.handle(), out.handle(), aHandle, bHandle, beta, alpha);
            }
        } catch (TorchException e) {
            throw new TorchException("product of %s and %s into %s".formatted(a, b, out), e);
        }
    }
}
