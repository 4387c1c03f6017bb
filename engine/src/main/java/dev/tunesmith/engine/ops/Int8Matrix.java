package dev.tunesmith.engine.ops;

import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.kernels.cpu.Int8Rows;
import dev.tunesmith.kernels.cpu.SmallLinear;
import org.jspecify.annotations.Nullable;

/// A frozen matrix of 8-bit integers with a scale a row, multiplied by activations that are rounded
/// to 8 bits too (LLM.int8, arXiv 2208.07339). Gradients flow through the decoded values.
public final class Int8Matrix implements CodedMatrix {

    private final Tensor codes_OI;
    private final Tensor largest_O;
    private final GroupedMatrix values;
    private final float threshold;

    /// @param codes_OI bytes [outputs, inputs]
    /// @param largest_O fp32, the largest absolute value of every row
    /// @param values the same matrix without the rounding of activations
    /// @param threshold columns with an activation of at least this size stay floats; 0 for never
    public Int8Matrix(Tensor codes_OI, Tensor largest_O, GroupedMatrix values, float threshold) {
        this.codes_OI = codes_OI;
        this.largest_O = largest_O;
        this.values = values;
        this.threshold = threshold;
    }

    @Override
    public long outputs() {
        return values.outputs();
    }

    @Override
    public long inputs() {
        return values.inputs();
    }

    @Override
    public void decode(Tensor w_OI) {
        values.decode(w_OI);
    }

    /// All rows go the same way: which columns stay floats depends on them.
    @Override
    public void multiply(Tensor y_NO, Tensor x_NI, Products.@Nullable Term more, StepArena arena) {
        try (Region scratch = arena.open("8-bit activations")) {
            product(y_NO, x_NI, scratch.tensor(DType.U8, Places.bytes(x_NI)).address());
        }
        if (more != null) {
            Products.linear(y_NO, more.x(), more.w(), 1, 1);
        }
    }

    @Override
    public void fewRows(Tensor y_NO, Tensor x_NI) {
        product(y_NO, x_NI, Workspace.bytes(Places.bytes(x_NI)).address());
    }

    private void product(Tensor y_NO, Tensor x_NI, long room) {
        Places places = Places.of(x_NI, room);
        var rows = new Int8Rows(places.codes, places.scales, places.large, Native.threads());
        SmallLinear shape = Native.few(y_NO, x_NI);
        rows.fill(shape, Native.strided(x_NI), threshold);
        rows.linear(
                shape,
                Native.strided(x_NI),
                new Int8Rows.Matrix(codes_OI.address(), largest_O.address()),
                Native.strided(y_NO));
    }

    /// Where the activations lie as bytes: their codes, a scale for each row, a mark for each
    /// column.
    private record Places(long codes, long scales, long large) {
        private static final long ALIGNMENT = 64;

        static Places of(Tensor x_NI, long room) {
            long scales = room + aligned(x_NI.elements());
            return new Places(room, scales, scales + aligned(x_NI.rows() * Float.BYTES));
        }

        static long bytes(Tensor x_NI) {
            return of(x_NI, 0).large + aligned(x_NI.width());
        }

        private static long aligned(long bytes) {
            return Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
        }
    }
}
