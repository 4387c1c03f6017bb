package dev.tunesmith.engine.ops;

import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.kernels.cpu.FourBit;
import dev.tunesmith.kernels.cpu.SmallLinear;

/// A frozen matrix [outputs, inputs] of four-bit codes with one scale a block of values (QLoRA,
/// arXiv 2305.14314).
///
/// Products of few rows decode on the way; larger ones decode the whole matrix once into memory
/// that all matrices share, because decoding inside a blocked product would repeat it.
public final class FourBitMatrix {

    /// Above this many rows a matrix is decoded as a whole first.
    private static final long DECODED_ON_THE_WAY_ROWS_MAX = 8;

    private final long outputs;
    private final long inputs;
    private final Codes codes;
    private final Tensor description;

    /// The codes and what they stand for.
    ///
    /// @param codes_B two in a byte, the first in the high half, row after row
    /// @param table_16 the values of the codes
    /// @param block values that share a scale; blocks run over row ends
    public record Codes(Tensor codes_B, Tensor table_16, int block, Scales scales) {}

    /// One scale a block.
    public sealed interface Scales {
        /// Scales in fp32.
        record Plain(Tensor scales_S) implements Scales {}

        /// Scales that are 8-bit codes themselves: `map[code] · outer scale + offset`.
        ///
        /// @param codes_S one byte a scale
        /// @param map_256 values of these codes
        /// @param outer_T one fp32 scale for `block` codes
        record Doubled(Tensor codes_S, Tensor map_256, Tensor outer_T, int block, float offset)
                implements Scales {}
    }

    /// A matrix over codes that live at least as long as `region`.
    public FourBitMatrix(long outputs, long inputs, Codes codes, Region region) {
        this.outputs = outputs;
        this.inputs = inputs;
        this.codes = codes;
        this.description = region.tensor(DType.U8, FourBit.DESCRIPTION_BYTES);
        kernel(codes).describe(description.address());
    }

    private static FourBit kernel(Codes codes) {
        long table = codes.table_16.address();
        return switch (codes.scales) {
            case Scales.Plain plain ->
                    new FourBit(
                            codes.codes_B.address(),
                            table,
                            plain.scales_S.address(),
                            FourBit.ScaleCodes.NONE,
                            codes.block,
                            Native.threads());
            case Scales.Doubled doubled ->
                    new FourBit(
                            codes.codes_B.address(),
                            table,
                            doubled.outer_T.address(),
                            new FourBit.ScaleCodes(
                                    doubled.codes_S.address(),
                                    doubled.map_256.address(),
                                    doubled.block,
                                    doubled.offset),
                            codes.block,
                            Native.threads());
        };
    }

    /// Fills codes and scales from a dense matrix.
    ///
    /// @param bounds_15 a scaled value gets `order[j]` if it exceeds `j` of these
    public static void quantise(
            Tensor codes_B,
            Tensor scales_S,
            int block,
            Tensor values,
            Tensor bounds_15,
            Tensor order_16) {
        Native.requireContiguous("quantisation", values);
        new FourBit(
                        codes_B.address(),
                        0,
                        scales_S.address(),
                        FourBit.ScaleCodes.NONE,
                        block,
                        Native.threads())
                .quantise(
                        Native.element(values),
                        values.address(),
                        values.elements(),
                        new FourBit.Rounding(bounds_15.address(), order_16.address()));
    }

    /// Rows of the matrix.
    public long outputs() {
        return outputs;
    }

    /// Columns of the matrix.
    public long inputs() {
        return inputs;
    }

    /// Codes and scales.
    public Codes codes() {
        return codes;
    }

    /// Writes all values, rounded once to the type of `w_OI`.
    public void dequantise(Tensor w_OI) {
        Native.requireContiguous("dequantisation", w_OI);
        if (w_OI.elements() != outputs * inputs) {
            throw new IllegalArgumentException(
                    "[%d, %d] cannot be written to %s".formatted(outputs, inputs, w_OI));
        }
        FourBit.dequantise(
                Native.element(w_OI),
                description.address(),
                w_OI.address(),
                w_OI.elements(),
                Native.threads());
    }

    /// All values in fp32.
    public float[] values() {
        try (Region own = Region.lasting("decoded weights")) {
            return dense(DType.F32, own).toFloats();
        }
    }

    /// `y_NO = x_NI · wᵀ`.
    public void linear(Tensor y_NO, Tensor x_NI, StepArena arena) {
        if (x_NI.rows() > DECODED_ON_THE_WAY_ROWS_MAX) {
            try (Region scratch = arena.open("decoded weights")) {
                Products.linear(y_NO, x_NI, dense(x_NI.type(), scratch));
            }
            return;
        }
        if (y_NO.type() != x_NI.type() || x_NI.width() != inputs || y_NO.width() != outputs) {
            throw new IllegalArgumentException(
                    "four-bit product of %s and [%d, %d] into %s"
                            .formatted(x_NI, outputs, inputs, y_NO));
        }
        FourBit.linear(
                new SmallLinear(
                        Native.element(x_NI),
                        Native.element(x_NI),
                        Native.element(y_NO),
                        x_NI.rows(),
                        outputs,
                        inputs,
                        Native.threads()),
                Native.strided(x_NI),
                description.address(),
                Native.strided(y_NO));
    }

    /// `dx_NI = beta · dx_NI + dy_NO · w`.
    public void linearInput(Tensor dx_NI, Tensor dy_NO, double beta, StepArena arena) {
        try (Region scratch = arena.open("decoded weights")) {
            Products.linearInput(dx_NI, dy_NO, dense(dy_NO.type(), scratch), beta, 1);
        }
    }

    private Tensor dense(DType type, Region scratch) {
        Tensor w_OI = scratch.tensor(type, outputs, inputs);
        dequantise(w_OI);
        return w_OI;
    }
}
