package dev.tunesmith.engine.ops;

import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.kernels.cpu.CpuKernels;
import dev.tunesmith.kernels.cpu.Element;
import dev.tunesmith.kernels.cpu.Rows;
import dev.tunesmith.kernels.cpu.SmallLinear;
import dev.tunesmith.kernels.cpu.Strided;

/// How tensors are passed to native kernels.
final class Native {

    private static final int THREADS = CpuKernels.threads();

    private Native() {}

    /// The size of the OpenMP team.
    static int threads() {
        return THREADS;
    }

    static Element element(Tensor tensor) {
        return switch (tensor.type()) {
            case F32 -> Element.F32;
            case BF16 -> Element.BF16;
            case U8, I32, I64 ->
                    throw new IllegalArgumentException("not a float tensor: " + tensor);
        };
    }

    static Strided strided(Tensor tensor) {
        return new Strided(tensor.address(), tensor.rowStride());
    }

    /// The sizes of a product `y_NO = x_NI · wᵀ` of few rows, all of one type.
    static SmallLinear few(Tensor y_NO, Tensor x_NI) {
        return new SmallLinear(
                element(x_NI),
                element(x_NI),
                element(y_NO),
                x_NI.rows(),
                y_NO.width(),
                x_NI.width(),
                THREADS);
    }

    /// Nothing, where a kernel takes an optional matrix.
    static Strided none() {
        return new Strided(0, 0);
    }

    static Rows rows(Tensor tensor) {
        return new Rows(tensor.rows(), tensor.width(), THREADS);
    }

    /// Checks that all tensors are as long as the first and contiguous.
    static void requireSame(String what, Tensor first, Tensor... others) {
        requireContiguous(what, first);
        for (Tensor other : others) {
            requireContiguous(what, other);
            if (other.elements() != first.elements()) {
                throw new IllegalArgumentException("%s of %s and %s".formatted(what, first, other));
            }
        }
    }

    static void requireContiguous(String what, Tensor tensor) {
        if (!tensor.isContiguous()) {
            throw new IllegalArgumentException(
                    "%s needs rows without gaps: %s".formatted(what, tensor));
        }
    }

    static void requireType(String what, DType type, Tensor tensor) {
        if (tensor.type() != type) {
            throw new IllegalArgumentException("%s must be %s: %s".formatted(what, type, tensor));
        }
    }
}
