package dev.tunesmith.engine.quant;

import dev.tunesmith.engine.io.StoredType;
import dev.tunesmith.engine.io.WeightFiles;
import dev.tunesmith.engine.ops.GroupedMatrix;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.List;
import java.util.Optional;

/// Matrices of 8-bit floats with a scale a block, a row or for all of it. Activations are not
/// rounded here, whatever the file says about them.
///
/// @param rowBlock rows that share a scale
/// @param columnBlock columns that share a scale
/// @param scale name of the tensor of scales, which multiply in spite of `weight_scale_inv`
record ScaledFloat8(long rowBlock, long columnBlock, String scale) implements PackedForm {
    private static final String BLOCKS = "weight_scale_inv";
    private static final String ROWS = "weight_scale";

    /// Blocks of DeepSeek-V3 and Qwen3, or one scale for a matrix.
    static PackedForm blocks(QuantizationConfig config) {
        String _ = config.text("fmt", "e4m3", "float8_e4m3fn");
        List<Integer> block = config.sizes("weight_block_size", List.of(128, 128));
        return new ScaledFloat8(block.get(0), block.get(1), BLOCKS);
    }

    static PackedForm rows(QuantizationConfig config) {
        return new ScaledFloat8(1, Long.MAX_VALUE, ROWS);
    }

    @Override
    public Optional<Found> read(WeightFiles files, Wanted wanted, Region region) {
        var stored = new StoredMatrix(files, wanted, region);
        if (stored.has(scale)) {
            return stored.found(read(stored));
        }
        return stored.has(ROWS)
                ? new ScaledFloat8(Long.MAX_VALUE, Long.MAX_VALUE, ROWS).read(files, wanted, region)
                : Optional.empty();
    }

    GroupedMatrix read(StoredMatrix stored) {
        long outputs = stored.outputs();
        long inputs = stored.inputs();
        stored.require("weight", outputs * inputs, StoredType.F8_E4M3);
        long rows = Math.ceilDiv(outputs, rowBlock);
        long columns = Math.ceilDiv(inputs, columnBlock);
        Tensor scales = stored.floats(scale, rows, columns);
        stored.skip("input_scale");
        stored.skip("input_scale_ub");
        return stored.matrix(
                stored.codes("weight"),
                Float8.values(),
                new GroupedMatrix.Groups(
                        stored.groups(outputs, row -> row / rowBlock),
                        stored.groups(inputs, column -> column / columnBlock),
                        scales,
                        Optional.empty()));
    }
}
