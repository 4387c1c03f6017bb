package dev.tunesmith.kernels.cpu;

import dev.tunesmith.kernels.NativeMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.Locale;

/// A matrix w_NK in panels of 32 outputs: its bytes lie in the order in which a product with any
/// number of rows reads them, so that one row is bound by memory and 32 by arithmetic.
///
/// An element of the product has the same bits whatever the number of rows or threads; where AMX
/// multiplies bf16, fewer than 16 rows and more are summed in two different orders.
public record Panels(Form form, long n, long k, int threads) {
    private static final long OUTPUTS = 32;
    private static final long TARGET_BYTES = 32;
    private static final MethodHandle SCRATCH =
            CpuKernels.plain("ts_panels_linear_scratch", "llll");

    /// How a weight is stored.
    public enum Form {
        /// As it was: two bytes.
        BF16(2, 128),
        /// GGUF's Q8_0: one byte and for 32 columns of a row a scale in fp16.
        Q8_0(32, 32 * 34),
        /// GGUF's Q5_0: five bits and a scale for 32 columns.
        Q5_0(32, 32 * 22),
        /// GGUF's Q4_K: four bits, scales and least values of 32 columns in units of those of 256.
        Q4_K(256, 32 * 148),
        /// GGUF's Q6_K: six bits and scales of 16 columns in units of one of 256.
        Q6_K(256, 32 * 210);

        private final long columns;
        private final long panelBytes;
        private final MethodHandle pack;
        private final MethodHandle narrow;
        private final MethodHandle wide;

        /// @param columns what the columns of a matrix are a multiple of; bf16 completes them by
        ///   zeros
        /// @param panelBytes bytes of so many columns of a panel
        Form(long columns, long panelBytes) {
            String name = name().toLowerCase(Locale.ROOT);
            this.columns = columns;
            this.panelBytes = panelBytes;
            this.pack = CpuKernels.plain("ts_panels_pack_" + name, "illlli");
            this.narrow = CpuKernels.plain("ts_panels_linear_" + name, "illllllli");
            this.wide = CpuKernels.plain("ts_panels_linear_" + name + "_out_f32", "illllllli");
        }

        /// Whether rows of that many columns can be stored so.
        public boolean takes(long columnsOfRow) {
            return columnsOfRow > 0 && (this == BF16 || columnsOfRow % columns == 0);
        }
    }

    /// Bytes of the panels; outputs that are missing from the last one are zeros.
    public long bytes() {
        return Math.ceilDiv(n, OUTPUTS) * Math.ceilDiv(k, form.columns) * form.panelBytes;
    }

    /// Writes the panels of a matrix whose rows lie end to end: of bf16, or for forms of fewer than
    /// eight bits of GGUF's blocks.
    public void pack(long w_NK, long panels) {
        Status.check(
                "panels_pack",
                this,
                () -> (int) form.pack.invokeExact(w_NK, panels, n, k, threads));
    }

    /// Bytes of working memory for that many rows and matrices.
    public long scratchBytes(long rows, int matrices) {
        return matrices * TARGET_BYTES
                + Status.scratch(
                        "panels_linear", () -> (long) SCRATCH.invokeExact(rows, k, (long) threads));
    }

    /// Writes y_MN = x_MK · w_NKᵀ for rows of bf16.
    ///
    /// @param output type of y
    /// @param scratch address of [#scratchBytes(long, int)]
    public void forward(
            Strided x_M, long panels, Strided y_M, Element output, long rows, long scratch) {
        forward(form, x_M, List.of(new Target(this, panels, y_M)), output, rows, scratch);
    }

    /// A matrix and where its product goes.
    ///
    /// @param panels address of the matrix
    public record Target(Panels shape, long panels, Strided y_M) {}

    /// The products of the same rows with matrices that are stored in the same form, in one go.
    ///
    /// @param scratch address of [#scratchBytes(long, int)]
    public static void forward(
            Form form, Strided x_M, List<Target> targets, Element output, long rows, long scratch) {
        MethodHandle kernel = output == Element.BF16 ? form.narrow : form.wide;
        Panels first = targets.getFirst().shape;
        long bytes = targets.size() * TARGET_BYTES;
        MemorySegment all = NativeMemory.at(scratch, bytes);
        for (int i = 0; i < targets.size(); i++) {
            Target target = targets.get(i);
            all.setAtIndex(ValueLayout.JAVA_LONG, 4L * i, target.panels);
            all.setAtIndex(ValueLayout.JAVA_LONG, 4L * i + 1, target.y_M.address());
            all.setAtIndex(ValueLayout.JAVA_LONG, 4L * i + 2, target.shape.n);
            all.setAtIndex(ValueLayout.JAVA_LONG, 4L * i + 3, target.y_M.stride());
        }
        long count = targets.size();
        Status.check(
                "panels_linear",
                first,
                () ->
                        (int)
                                kernel.invokeExact(
                                        x_M.address(),
                                        scratch,
                                        scratch + bytes,
                                        count,
                                        rows,
                                        first.k,
                                        x_M.stride(),
                                        first.threads));
    }
}
