package dev.tunesmith.kernels.cpu;

/// Rows of activations as 8-bit integers with a scale a row; columns that hold a large value stay
/// floats (LLM.int8, arXiv 2208.07339).
///
/// @param codes address of M·K bytes
/// @param scales address of M fp32 largest values of the rows
/// @param large address of K bytes, 1 for a column that stays in floats
public record Int8Rows(long codes, long scales, long large, int threads) {
    private static final CpuKernels.Kernel ROWS = CpuKernels.kernel("int8_rows", "lllllll" + "fi");
    private static final CpuKernels.Kernel LINEAR =
            CpuKernels.kernel("int8_linear", "lllllll" + "lllll" + "i");

    /// An 8-bit matrix [N, K] with the largest value of every row.
    public record Matrix(long codes, long scales) {}

    /// Fills codes, scales and marks from rows of x, which are rounded to half precision first.
    ///
    /// @param threshold absolute value from which a column stays in floats; 0 for never
    public void fill(SmallLinear shape, Strided x_MK, float threshold) {
        Status.check(
                "int8_rows",
                shape,
                () ->
                        (int)
                                ROWS.of(shape.input())
                                        .invokeExact(
                                                x_MK.address(),
                                                codes,
                                                scales,
                                                large,
                                                shape.m(),
                                                shape.k(),
                                                x_MK.stride(),
                                                threshold,
                                                threads));
    }

    /// Writes y_MN = x_MK · w_NKᵀ from what [#fill] made of x.
    public void linear(SmallLinear shape, Strided x_MK, Matrix w_NK, Strided y_MN) {
        Status.check(
                "int8_linear",
                shape,
                () ->
                        (int)
                                LINEAR.of(shape.input())
                                        .invokeExact(
                                                codes,
                                                scales,
                                                large,
                                                x_MK.address(),
                                                w_NK.codes,
                                                w_NK.scales,
                                                y_MN.address(),
                                                shape.m(),
                                                shape.n(),
                                                shape.k(),
                                                x_MK.stride(),
                                                y_MN.stride(),
                                                threads));
    }
}
