package dev.tunesmith.engine.quant;

import dev.tunesmith.engine.io.ModelFileException;
import dev.tunesmith.engine.io.StoredTensor;
import dev.tunesmith.engine.io.StoredType;
import dev.tunesmith.engine.io.WeightFiles;
import dev.tunesmith.engine.nn.Weight;
import dev.tunesmith.engine.ops.CodedMatrix;
import dev.tunesmith.engine.ops.GroupedMatrix;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.LongUnaryOperator;

/// The parts of one quantised matrix in a checkpoint, being read.
final class StoredMatrix {
    private final WeightFiles files;
    private final PackedForm.Wanted wanted;
    private final Region region;
    private final List<String> tensors = new ArrayList<>();

    StoredMatrix(WeightFiles files, PackedForm.Wanted wanted, Region region) {
        this.files = files;
        this.wanted = wanted;
        this.region = region;
    }

    /// One code a value, in whatever order the file has them.
    @FunctionalInterface
    interface CodeAt {
        int at(long output, long input);
    }

    long outputs() {
        return wanted.outputs();
    }

    long inputs() {
        return wanted.inputs();
    }

    boolean has(String part) {
        return files.find(name(part)).isPresent();
    }

    /// Checks a part that must have one of these types and this many elements.
    void require(String part, long elements, StoredType... types) {
        StoredTensor stored = any(part);
        if (!List.of(types).contains(stored.type()) || stored.elements() != elements) {
            throw wrong(
                    part,
                    "needs %d values of %s, found %d of %s"
                            .formatted(elements, List.of(types), stored.elements(), stored.type()));
        }
    }

    /// A part of any type and size.
    StoredTensor any(String part) {
        String name = name(part);
        StoredTensor stored =
                files.find(name)
                        .orElseThrow(() -> wrong(part, "is missing: the matrix needs it too"));
        tensors.add(name);
        return stored;
    }

    /// Accepts a part that is not needed.
    void skip(String part) {
        if (has(part)) {
            tensors.add(name(part));
        }
    }

    MemorySegment bytes(String part) {
        return files.bytes(name(part));
    }

    long[] integers(String part, long elements) {
        require(part, elements, StoredType.I32, StoredType.I64, StoredType.I8, StoredType.U8);
        return files.integers(name(part));
    }

    /// Values of a part as fp32.
    Tensor floats(String part, long rows, long columns) {
        require(part, rows * columns, StoredType.F32, StoredType.F16, StoredType.BF16);
        return region.floats(files.floats(name(part)), rows, columns);
    }

    Tensor floats(float[] values, long rows, long columns) {
        return region.floats(values, rows, columns);
    }

    /// A group for every index from 0.
    Tensor groups(long count, LongUnaryOperator group) {
        Tensor groups = region.tensor(DType.I32, count);
        groups.write(to -> {
            for (long i = 0; i < count; i++) {
                to.setAtIndex(ValueLayout.JAVA_INT, i, Math.toIntExact(group.applyAsLong(i)));
            }
        });
        return groups;
    }

    /// Puts the codes in order and makes the matrix.
    ///
    /// @param table the values of all codes, 16 or 256
    GroupedMatrix matrix(CodeAt codes, float[] table, GroupedMatrix.Groups groups) {
        boolean small = table.length == GroupedMatrix.SMALL_CODES;
        long rowBytes = GroupedMatrix.rowBytes(inputs(), table.length);
        Tensor packed = region.tensor(DType.U8, outputs(), rowBytes);
        packed.write(to -> pack(to, rowBytes, codes, small));
        Tensor values = region.floats(table, table.length);
        return GroupedMatrix.of(inputs(), packed, values, groups, region);
    }

    private void pack(MemorySegment to, long rowBytes, CodeAt codes, boolean small) {
        for (long output = 0; output < outputs(); output++) {
            for (long b = 0; b < rowBytes; b++) {
                int code;
                if (small) {
                    int low = 2 * b + 1 < inputs() ? codes.at(output, 2 * b + 1) : 0;
                    code = codes.at(output, 2 * b) << 4 | low;
                } else {
                    code = codes.at(output, b);
                }
                to.set(ValueLayout.JAVA_BYTE, output * rowBytes + b, (byte) code);
            }
        }
    }

    /// Scales that the part `scales` holds group after group, each with a zero point.
    ///
    /// @param zeros the zero point of an output and a group
    GroupedMatrix.Groups transposed(long groups, CodeAt zeros, Tensor columns_I) {
        float[] scales_GO = floats("scales", groups, outputs()).toFloats();
        float[] scales_OG = new float[scales_GO.length];
        float[] zeros_OG = new float[scales_GO.length];
        for (int g = 0; g < groups; g++) {
            for (int o = 0; o < outputs(); o++) {
                int at = Math.toIntExact(o * groups + g);
                scales_OG[at] = scales_GO[Math.toIntExact(g * outputs() + o)];
                zeros_OG[at] = zeros.at(o, g);
            }
        }
        return new GroupedMatrix.Groups(
                groups(outputs(), o -> o),
                columns_I,
                floats(scales_OG, outputs(), groups),
                Optional.of(floats(zeros_OG, outputs(), groups)));
    }

    /// A view of a part whose bytes are one code a value already.
    Tensor codes(String part) {
        return region.view(bytes(part), DType.U8, outputs(), inputs());
    }

    GroupedMatrix matrix(Tensor codes_OI, float[] table, GroupedMatrix.Groups groups) {
        Tensor values = region.floats(table, table.length);
        return GroupedMatrix.of(inputs(), codes_OI, values, groups, region);
    }

    Optional<PackedForm.Found> found(CodedMatrix matrix) {
        return Optional.of(new PackedForm.Found(new Weight.Coded(matrix), tensors));
    }

    ModelFileException wrong(String part, String what) {
        String name = name(part);
        return new ModelFileException(
                files.find(name).isPresent() ? files.file(name) : files.directory(),
                "quantised tensor %s %s".formatted(name, what));
    }

    private String name(String part) {
        return wanted.module() + "." + part;
    }

    /// The values of unsigned codes.
    static float[] unsigned(int codes) {
        float[] table = new float[codes];
        for (int code = 0; code < codes; code++) {
            table[code] = code;
        }
        return table;
    }

    /// The values of bytes as signed numbers.
    static float[] signedBytes() {
        float[] table = new float[GroupedMatrix.CODES];
        for (int code = 0; code < table.length; code++) {
            table[code] = (byte) code;
        }
        return table;
    }

    /// A table that is as long as half-byte codes need where that is enough.
    static float[] unsignedOfBits(int bits) {
        return unsigned(bits <= 4 ? GroupedMatrix.SMALL_CODES : GroupedMatrix.CODES);
    }
}
