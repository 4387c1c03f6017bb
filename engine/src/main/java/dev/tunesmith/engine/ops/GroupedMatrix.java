package dev.tunesmith.engine.ops;

import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.kernels.cpu.Coded;
import dev.tunesmith.kernels.cpu.Grouped;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/// A frozen matrix of codes of 4 or 8 bits with a scale, and perhaps a zero point, a group of
/// values: `(table[code] − zero) · scale`.
public final class GroupedMatrix implements CodedMatrix {

    /// Codes that fit into half a byte.
    public static final int SMALL_CODES = 16;

    /// Codes that fit into a byte.
    public static final int CODES = 256;

    private final Description description;

    /// Which value has which scale: that of group `rows[row] · groups of a row + columns[column]`.
    ///
    /// @param rows_O 32-bit integers
    /// @param columns_I 32-bit integers
    /// @param scales_RG fp32
    /// @param zeros_RG fp32, or empty where all are zero
    public record Groups(
            Tensor rows_O, Tensor columns_I, Tensor scales_RG, Optional<Tensor> zeros_RG) {}

    private GroupedMatrix(Description description) {
        this.description = description;
    }

    /// Bytes that the codes of a row take.
    ///
    /// @param codes [#SMALL_CODES] or [#CODES]
    public static long rowBytes(long inputs, int codes) {
        return codes == SMALL_CODES ? Math.ceilDiv(inputs, 2L) : inputs;
    }

    /// A matrix over tensors that live at least as long as `region`.
    ///
    /// @param codes_OB rows of codes; two in a byte, the first in the high half, when the table has
    ///   16 values
    /// @param table the value of every code, 16 or 256
    public static GroupedMatrix of(
            long inputs, Tensor codes_OB, Tensor table, Groups groups, Region region) {
        long outputs = groups.rows_O.elements();
        boolean small = table.elements() == SMALL_CODES;
        long rowBytes = rowBytes(inputs, small ? SMALL_CODES : CODES);
        if (codes_OB.elements() != outputs * rowBytes
                || groups.columns_I.elements() != inputs
                || groups.zeros_RG
                        .filter(z -> z.elements() != groups.scales_RG.elements())
                        .isPresent()) {
            throw new IllegalArgumentException(
                    "%s as [%d, %d] with %s".formatted(codes_OB, outputs, inputs, groups));
        }
        MemorySegment bytes = region.onHost(Grouped.DESCRIPTION_BYTES);
        new Grouped(
                        codes_OB.address(),
                        small ? 4 : 8,
                        table.address(),
                        new Grouped.Groups(
                                groups.rows_O.address(),
                                groups.columns_I.address(),
                                groups.scales_RG.address(),
                                groups.zeros_RG.map(Tensor::address).orElse(0L),
                                groups.scales_RG.width()))
                .describe(inputs, bytes.address());
        return new GroupedMatrix(new Description(Coded.GROUPED, outputs, inputs, bytes));
    }

    @Override
    public long outputs() {
        return description.outputs();
    }

    @Override
    public long inputs() {
        return description.inputs();
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
