package dev.tunesmith.kernels.cpu;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;

/// A kind of matrices of codes that kernels read by the description which the matrix wrote.
public final class Coded {
    /// Described by [FourBit#describe].
    public static final Coded FOUR_BIT =
            new Coded("four_bit", CpuKernels.kernel("four_bit_linear", "llllllll" + "i"));

    /// Described by [Grouped#describe], whose inputs its product is not told again.
    public static final Coded GROUPED =
            new Coded(
                    "grouped",
                    ignoringInputs(CpuKernels.kernel("grouped_linear", "lllllll" + "i")));

    private final String operation;
    private final CpuKernels.Kernel dequantise;
    private final CpuKernels.Kernel linear;

    private Coded(String operation, CpuKernels.Kernel linear) {
        this.operation = operation;
        this.dequantise = CpuKernels.kernel(operation + "_dequantise", "llli");
        this.linear = linear;
    }

    private static CpuKernels.Kernel ignoringInputs(CpuKernels.Kernel kernel) {
        return new CpuKernels.Kernel(ignoringInputs(kernel.f32()), ignoringInputs(kernel.bf16()));
    }

    private static MethodHandle ignoringInputs(MethodHandle function) {
        return MethodHandles.dropArguments(function, 5, long.class);
    }

    @Override
    public String toString() {
        return operation;
    }

    /// Writes all values of a described matrix.
    ///
    /// @param description address of what the matrix wrote about itself
    public void dequantise(
            Element type, long description, long y, long rows, long columns, int threads) {
        long count = this == FOUR_BIT ? rows * columns : rows;
        Status.check(
                operation + "_dequantise",
                count,
                () -> (int) dequantise.of(type).invokeExact(description, y, count, threads));
    }

    /// Writes y_MN = x_MK · w_NKᵀ for few rows; weights are rounded to the type first.
    public void linear(SmallLinear shape, Strided x_MK, long description_NK, Strided y_MN) {
        Status.check(
                operation + "_linear",
                shape,
                () ->
                        (int)
                                linear.of(shape.input())
                                        .invokeExact(
                                                description_NK,
                                                x_MK.address(),
                                                y_MN.address(),
                                                shape.m(),
                                                shape.n(),
                                                shape.k(),
                                                x_MK.stride(),
                                                y_MN.stride(),
                                                shape.threads()));
    }
}
