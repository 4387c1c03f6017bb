package dev.tunesmith.engine.ops;

import dev.tunesmith.engine.tensor.CudaDevice;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Device;
import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.kernels.cpu.Element;
import dev.tunesmith.kernels.cpu.MatrixProduct;
import dev.tunesmith.kernels.cuda.CuBlas;
import java.util.Optional;

/// Which code computes a matrix product.
///
/// libtorch's bf16 products are the fastest where the processor multiplies bf16 pairs at full rate.
/// Elsewhere, and for fp32, the own kernel is: its sums do not depend on the number of rows or
/// threads.
enum ProductRoute {
    /// Own kernel for few rows, which reads the weights once.
    SMALL,
    /// Own kernel for any size.
    OWN,
    /// libtorch.
    LIBTORCH,
    /// cuBLAS.
    CUBLAS;

    /// Above this many rows a general product is faster than reading the weights once.
    static final long SMALL_ROWS_MAX = 32;

    /// The same where tensor cores multiply: the own kernel reads weights once for 8 rows.
    static final long SMALL_ROWS_MAX_CUDA = 8;

    private static final boolean OWN_BF16 = MatrixProduct.beatsLibrary(Element.BF16);

    /// @param linear whether it is `a · bᵀ` and the rows of `b` lie end to end
    static ProductRoute of(Tensor out, Tensor a, boolean linear) {
        Device device = out.owner().device();
        if (linear && a.rows() <= (device.hostVisible() ? SMALL_ROWS_MAX : SMALL_ROWS_MAX_CUDA)) {
            return SMALL;
        }
        if (!device.hostVisible()) {
            return cublas(device).isPresent() ? CUBLAS : OWN;
        }
        return a.type() == DType.F32 || OWN_BF16 || out.type() != a.type() ? OWN : LIBTORCH;
    }

    /// Whether bf16 operands can be summed into fp32.
    static boolean sumsWide() {
        return OWN_BF16 || !Device.current().hostVisible();
    }

    /// The library of a device's products, where it was found.
    static Optional<CuBlas> cublas(Device device) {
        return device instanceof CudaDevice cuda ? cuda.products() : Optional.empty();
    }
}
