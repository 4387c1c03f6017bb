package dev.tunesmith.engine.quant;

import dev.tunesmith.engine.io.StoredType;
import dev.tunesmith.engine.io.WeightFiles;
import dev.tunesmith.engine.ops.GroupedMatrix;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.List;
import java.util.Optional;

/// Matrices as compressed-tensors stores them, without the rounding of activations that such files
/// may ask for.
///
/// All matrices must be quantised in one way; those without scales are plain.
///
/// @param group inputs that share a scale; 0 for a scale a row, -1 for one of all
record CompressedTensors(Format format, int bits, int group, boolean symmetric)
        implements PackedForm {

    private enum Format {
        PACKED,
        INTEGERS,
        FLOATS
    }

    static PackedForm of(QuantizationConfig config) {
        List<QuantizationConfig> groups = config.part("config_groups").parts();
        if (groups.size() != 1) {
            config.fault(
                    "config_groups has %d entries, only one is supported".formatted(groups.size()));
            return new CompressedTensors(Format.FLOATS, 8, 0, true);
        }
        QuantizationConfig weights = groups.getFirst().part("weights");
        String name = config.text("format", "pack-quantized", "int-quantized", "float-quantized");
        Format format =
                switch (name) {
                    case "int-quantized" -> Format.INTEGERS;
                    case "float-quantized" -> Format.FLOATS;
                    default -> Format.PACKED;
                };
        int bits =
                format == Format.PACKED
                        ? weights.integerAmong("num_bits", 4, 8, 2, 3)
                        : weights.integerAmong("num_bits", 8);
        String _ = weights.text("type", format == Format.FLOATS ? "float" : "int");
        int group =
                switch (weights.text("strategy", "tensor", "channel", "group")) {
                    case "group" -> weights.integer("group_size", 128);
                    case "channel" -> 0;
                    default -> -1;
                };
        boolean symmetric = weights.flag("symmetric") || !weights.has("symmetric");
        return new CompressedTensors(format, bits, group, symmetric);
    }

    @Override
    public Optional<Found> read(WeightFiles files, Wanted wanted, Region region) {
        var stored = new StoredMatrix(files, wanted, region);
        if (!stored.has("weight_scale")) {
            return Optional.empty();
        }
        for (String part :
                List.of("weight_shape", "input_scale", "input_zero_point", "output_scale")) {
            stored.skip(part);
        }
        long outputs = stored.outputs();
        long inputs = stored.inputs();
        long rows = group < 0 ? 1 : outputs;
        long columns = group > 0 ? Math.ceilDiv(inputs, (long) group) : 1;
        Tensor scales = stored.floats("weight_scale", rows, columns);
        var groups =
                new GroupedMatrix.Groups(
                        stored.groups(outputs, row -> rows == 1 ? 0 : row),
                        columnGroups(stored, columns),
                        scales,
                        zeros(stored, rows, columns));
        GroupedMatrix matrix =
                switch (format) {
                    case PACKED -> packed(stored, groups);
                    case INTEGERS -> {
                        stored.require("weight", outputs * inputs, StoredType.I8);
                        yield stored.matrix(
                                stored.codes("weight"), StoredMatrix.signedBytes(), groups);
                    }
                    case FLOATS -> {
                        stored.require("weight", outputs * inputs, StoredType.F8_E4M3);
                        yield stored.matrix(stored.codes("weight"), Float8.values(), groups);
                    }
                };
        return stored.found(matrix);
    }

    private Tensor columnGroups(StoredMatrix stored, long groups) {
        long inputs = stored.inputs();
        if (!stored.has("weight_g_idx")) {
            return stored.groups(inputs, column -> group > 0 ? column / group : 0);
        }
        long[] order = stored.integers("weight_g_idx", inputs);
        return stored.groups(
                inputs,
                column -> {
                    long of = order[Math.toIntExact(column)];
                    if (of < 0 || of >= groups) {
                        throw stored.wrong(
                                "weight_g_idx",
                                "has group %d, there are %d groups".formatted(of, groups));
                    }
                    return of;
                });
    }

    /// Zero points are signed numbers, packed along the outputs where the codes are packed.
    private Optional<Tensor> zeros(StoredMatrix stored, long rows, long columns) {
        if (symmetric || !stored.has("weight_zero_point")) {
            stored.skip("weight_zero_point");
            return Optional.empty();
        }
        float[] zeros = new float[Math.toIntExact(rows * columns)];
        if (format == Format.PACKED) {
            long words = BitFields.words(rows, bits);
            stored.require("weight_zero_point", words * columns, StoredType.I32);
            var fields = new BitFields(stored.bytes("weight_zero_point"), bits, columns);
            for (int at = 0; at < zeros.length; at++) {
                zeros[at] = fields.at(at % columns, at / columns) - offset();
            }
        } else {
            long[] stored_RG = stored.integers("weight_zero_point", zeros.length);
            for (int at = 0; at < zeros.length; at++) {
                zeros[at] = stored_RG[at];
            }
        }
        return Optional.of(stored.floats(zeros, rows, columns));
    }

    private GroupedMatrix packed(StoredMatrix stored, GroupedMatrix.Groups groups) {
        long words = BitFields.words(stored.inputs(), bits);
        stored.require("weight_packed", stored.outputs() * words, StoredType.I32);
        var codes = new BitFields(stored.bytes("weight_packed"), bits, 1);
        float[] table = StoredMatrix.unsignedOfBits(bits);
        for (int code = 0; code < table.length; code++) {
            table[code] -= offset();
        }
        return stored.matrix((row, column) -> codes.at(row * words, column), table, groups);
    }

    /// Codes are stored as unsigned numbers.
    private int offset() {
        return 1 << (bits - 1);
    }
}
