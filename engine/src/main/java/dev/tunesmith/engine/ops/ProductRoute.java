package dev.tunesmith.engine.ops;

import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.kernels.cpu.Element;
import dev.tunesmith.kernels.cpu.MatrixProduct;

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
    LIBTORCH;

    /// Above this many rows a general product is faster than reading the weights once.
    static final long SMALL_ROWS_MAX = 32;

    private static final boolean OWN_BF16 = MatrixProduct.beatsLibrary(Element.BF16);

    /// @param linear whether it is `a · bᵀ` and the rows of `b` lie end to end
    static ProductRoute of(Tensor out, Tensor a, boolean linear) {
        if (linear && a.rows() <= SMALL_ROWS_MAX) {
            return SMALL;
        }
        return a.type() == DType.F32 || OWN_BF16 || out.type() != a.type() ? OWN : LIBTORCH;
    }

    /// Whether bf16 products are the own kernel's.
    static boolean ownBf16() {
        return OWN_BF16;
    }
}
