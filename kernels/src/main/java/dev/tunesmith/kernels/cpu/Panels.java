package dev.tunesmith.kernels.cpu;

import java.lang.invoke.MethodHandle;

/// A matrix w_NK of bf16 in panels of 32 outputs: its bytes lie in the order in which a product
/// with any number of rows reads them, so that one row is bound by memory and 32 by arithmetic.
///
/// An element of the product has the same bits whatever the number of rows or threads.
public record Panels(Form form, long n, long k, int threads) {
    private static final long OUTPUTS = 32;
    private static final String PRODUCT = "illll" + "lllll" + "i";
    private static final MethodHandle SCRATCH =
            CpuKernels.plain("ts_panels_linear_scratch", "llll");

    /// How a weight is stored.
    public enum Form {
        /// As it was: two bytes.
        BF16("", 1),
        /// GGUF's Q8_0: one byte and for 32 columns of a row a scale in fp16.
        Q8_0("q8_0", 32);

        private final long columns;
        private final MethodHandle pack;
        private final MethodHandle narrow;
        private final MethodHandle wide;

        Form(String name, long columns) {
            String prefix = "ts_panels_linear_" + (name.isEmpty() ? "bf16" : name);
            this.columns = columns;
            this.pack =
                    CpuKernels.plain(
                            "ts_panels_pack_" + (name.isEmpty() ? "bf16" : name), "illlli");
            this.narrow = CpuKernels.plain(prefix, PRODUCT);
            this.wide = CpuKernels.plain(prefix + "_out_f32", PRODUCT);
        }

        /// Whether rows of that many columns can be stored so.
        public boolean takes(long columnsOfRow) {
            return columnsOfRow > 0 && columnsOfRow % columns == 0;
        }
    }

    /// Bytes of the panels; outputs that are missing from the last one are zeros.
    public long bytes() {
        long rows = Math.ceilDiv(n, OUTPUTS) * OUTPUTS;
        return switch (form) {
            case BF16 -> rows * k * 2;
            case Q8_0 -> rows * k / 32 * 34;
        };
    }

    /// Writes the panels of a matrix of bf16 whose rows lie end to end.
    public void pack(long w_NK, long panels) {
        Status.check(
                "panels_pack",
                this,
                () -> (int) form.pack.invokeExact(w_NK, panels, n, k, threads));
    }

    /// Bytes of working memory for that many rows.
    public long scratchBytes(long rows) {
        return Status.scratch(
                "panels_linear", () -> (long) SCRATCH.invokeExact(rows, k, (long) threads));
    }

    /// Writes y_MN = x_MK · w_NKᵀ for rows of bf16.
    ///
    /// @param output type of y
    /// @param scratch address of [#scratchBytes(long)]
    public void forward(
            Strided x_M, long panels, Strided y_M, Element output, long rows, long scratch) {
        MethodHandle kernel = output == Element.BF16 ? form.narrow : form.wide;
        Status.check(
                "panels_linear",
                this,
                () ->
                        (int)
                                kernel.invokeExact(
                                        x_M.address(),
                                        panels,
                                        y_M.address(),
                                        scratch,
                                        rows,
                                        n,
                                        k,
                                        x_M.stride(),
                                        y_M.stride(),
                                        threads));
    }
}
