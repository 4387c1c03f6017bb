package dev.tunesmith.engine.quant;

import dev.tunesmith.engine.io.StoredTensor;
import dev.tunesmith.engine.io.WeightFiles;
import dev.tunesmith.engine.ops.GroupedMatrix;
import dev.tunesmith.engine.tensor.Region;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/// Matrices as HQQ stores them: the matrix seen as rows of `group` values (axis 1) or as `group`
/// rows (axis 0), each with a scale and a zero point that is a float.
///
/// A stored element holds values of rows that lie far apart, that of the first part in the highest
/// bits.
///
/// @param packed bits that the file gives a code: 5 and 6 are stored as 8
record Hqq(Packing packed, int group, int axis) implements PackedForm {

    /// How codes lie in the elements of the file.
    enum Packing {
        EIGHT(8, 1, 1),
        FOUR(4, 2, 1),
        THREE(3, 10, 4),
        TWO(2, 4, 1),
        ONE(1, 8, 1);

        private final int bits;
        private final int inAnElement;
        private final int bytes;

        Packing(int bits, int inAnElement, int bytes) {
            this.bits = bits;
            this.inAnElement = inAnElement;
            this.bytes = bytes;
        }

        static Packing of(int bits) {
            return switch (bits) {
                case 1 -> ONE;
                case 2 -> TWO;
                case 3 -> THREE;
                case 4 -> FOUR;
                default -> EIGHT;
            };
        }

        /// A code of an element whose lowest codes are those of the last part.
        int code(MemorySegment elements, long element, long part) {
            int word =
                    bytes == 4
                            ? elements.getAtIndex(ValueLayout.JAVA_INT_UNALIGNED, element)
                            : elements.get(ValueLayout.JAVA_BYTE, element);
            long shift = (inAnElement - 1 - part) * bits;
            return (word >>> shift) & ((1 << bits) - 1);
        }
    }

    static PackedForm of(QuantizationConfig config) {
        QuantizationConfig nested = config.part("quant_config").part("weight_quant_params");
        QuantizationConfig of = nested.has("nbits") ? nested : config;
        int bits = of.integerAmong("nbits", 4, 8, 6, 5, 3, 2, 1);
        int axis = of.integerAmong("axis", 1, 0);
        if (of.flag("quant_scale") || of.flag("quant_zero")) {
            of.fault("quantised scales and zero points are not supported");
        }
        return new Hqq(Packing.of(bits), of.integer("group_size", 64), axis);
    }

    @Override
    public Optional<Found> read(WeightFiles files, Wanted wanted, Region region) {
        var stored = new StoredMatrix(files, wanted, region);
        if (!stored.has("W_q")) {
            return Optional.empty();
        }
        long count = stored.outputs() * stored.inputs();
        if (count % group != 0) {
            throw stored.wrong("W_q", "has %d values, no multiple of %d".formatted(count, group));
        }
        long groups = count / group;
        long rows = axis == 1 ? groups : group;
        long width = axis == 1 ? group : groups;
        long stackedRows = Math.ceilDiv(rows, (long) packed.inAnElement);
        StoredTensor codes = stored.any("W_q");
        if (codes.bytes() != stackedRows * width * packed.bytes) {
            throw stored.wrong(
                    "W_q",
                    "has %d bytes, %d bits and groups of %d along axis %d need %d"
                            .formatted(
                                    codes.bytes(),
                                    packed.bits,
                                    group,
                                    axis,
                                    stackedRows * width * packed.bytes));
        }
        skipDescription(stored);
        MemorySegment elements = stored.bytes("W_q");
        return stored.found(
                stored.matrix(
                        (output, input) -> {
                            long at = output * stored.inputs() + input;
                            long row = at / width;
                            long element = row % stackedRows * width + at % width;
                            return packed.code(elements, element, row / stackedRows);
                        },
                        StoredMatrix.unsignedOfBits(packed.bits),
                        grouping(stored, groups)));
    }

    private GroupedMatrix.Groups grouping(StoredMatrix stored, long groups) {
        long inputs = stored.inputs();
        if (axis == 1 && inputs % group == 0) {
            long aRow = inputs / group;
            return new GroupedMatrix.Groups(
                    stored.groups(stored.outputs(), row -> row),
                    stored.groups(inputs, column -> column / group),
                    stored.floats("scale", stored.outputs(), aRow),
                    Optional.of(stored.floats("zero", stored.outputs(), aRow)));
        }
        if (axis == 0 && groups % inputs == 0) {
            long distinct = groups / inputs;
            return new GroupedMatrix.Groups(
                    stored.groups(stored.outputs(), row -> row % distinct),
                    stored.groups(inputs, column -> column),
                    stored.floats("scale", distinct, inputs),
                    Optional.of(stored.floats("zero", distinct, inputs)));
        }
        return aValue(stored, groups);
    }

    /// A scale for every value, where groups run over the ends of rows.
    private GroupedMatrix.Groups aValue(StoredMatrix stored, long groups) {
        float[] scales = stored.floats("scale", groups, 1).toFloats();
        float[] zeros = stored.floats("zero", groups, 1).toFloats();
        int count = Math.toIntExact(stored.outputs() * stored.inputs());
        float[] scales_OI = new float[count];
        float[] zeros_OI = new float[count];
        for (int at = 0; at < count; at++) {
            int of = axis == 1 ? at / group : Math.toIntExact(at % groups);
            scales_OI[at] = scales[of];
            zeros_OI[at] = zeros[of];
        }
        return new GroupedMatrix.Groups(
                stored.groups(stored.outputs(), row -> row),
                stored.groups(stored.inputs(), column -> column),
                stored.floats(scales_OI, stored.outputs(), stored.inputs()),
                Optional.of(stored.floats(zeros_OI, stored.outputs(), stored.inputs())));
    }

    /// What newer files say once more about every matrix.
    private static void skipDescription(StoredMatrix stored) {
        for (String part :
                new String[] {
                    "nbits",
                    "group_size",
                    "shape",
                    "axis",
                    "packing",
                    "view_as_float",
                    "unpack_view_dtype",
                    "quant_scale",
                    "quant_zero",
                    "compute_dtype",
                    "channel_wise",
                    "optimize",
                    "round_zero",
                    "offload_meta",
                    "encoded_state_dict",
                    "stores_quant_config"
                }) {
            stored.skip(part);
        }
    }
}
