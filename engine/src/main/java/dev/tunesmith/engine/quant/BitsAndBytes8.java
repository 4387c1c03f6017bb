package dev.tunesmith.engine.quant;

import dev.tunesmith.engine.io.StoredType;
import dev.tunesmith.engine.io.WeightFiles;
import dev.tunesmith.engine.ops.GroupedMatrix;
import dev.tunesmith.engine.ops.Int8Matrix;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.Optional;

/// 8-bit matrices as bitsandbytes stores them: signed bytes, and the largest absolute value of
/// every row in `SCB` (LLM.int8, arXiv 2208.07339).
///
/// @param threshold columns with an activation of at least this size are not rounded; 0 for never
public record BitsAndBytes8(float threshold) implements PackedForm {
    private static final int ROW_MAJOR = 0;

    @Override
    public Optional<Found> read(WeightFiles files, Wanted wanted, Region region) {
        var stored = new StoredMatrix(files, wanted, region);
        if (!stored.has("SCB")) {
            return Optional.empty();
        }
        long outputs = stored.outputs();
        stored.require("weight", outputs * stored.inputs(), StoredType.I8);
        if (stored.has("weight_format") && stored.integers("weight_format", 1)[0] != ROW_MAJOR) {
            throw stored.wrong("weight_format", "is not 0: only rows in their order can be read");
        }
        Tensor largest = stored.floats("SCB", outputs, 1);
        float[] scales = largest.toFloats();
        for (int row = 0; row < scales.length; row++) {
            scales[row] /= 127;
        }
        Tensor codes = stored.codes("weight");
        var groups =
                new GroupedMatrix.Groups(
                        stored.groups(outputs, row -> row),
                        stored.groups(stored.inputs(), column -> 0),
                        stored.floats(scales, outputs, 1),
                        Optional.empty());
        GroupedMatrix values = stored.matrix(codes, StoredMatrix.signedBytes(), groups);
        return stored.found(new Int8Matrix(codes, largest, values, threshold));
    }
}
