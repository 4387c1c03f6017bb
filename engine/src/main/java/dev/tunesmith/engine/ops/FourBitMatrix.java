package dev.tunesmith.engine.ops;

import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.kernels.cpu.Coded;
import dev.tunesmith.kernels.cpu.FourBit;
import java.lang.foreign.MemorySegment;

/// A frozen matrix [outputs, inputs] of four-bit codes with one scale a block of values (QLoRA,
/// arXiv 2305.14314).
public final class FourBitMatrix implements CodedMatrix {

    private final Codes codes;
    private final Description description;

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
        MemorySegment bytes = region.onHost(FourBit.DESCRIPTION_BYTES);
        kernel(codes).describe(bytes.address());
        this.codes = codes;
        this.description = new Description(Coded.FOUR_BIT, outputs, inputs, bytes);
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

    @Override
    public long outputs() {
        return description.outputs();
    }

    @Override
    public long inputs() {
        return description.inputs();
    }

    /// Codes and scales.
    public Codes codes() {
        return codes;
    }

    @Override
    public void decode(Tensor w_OI) {
        description.decode(w_OI);
    }

    @Override
    public void fewRows(Tensor y_NO, Tensor x_NI) {
        description.fewRows(y_NO, x_NI);
    }
}
