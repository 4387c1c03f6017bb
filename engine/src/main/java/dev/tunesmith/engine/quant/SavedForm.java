package dev.tunesmith.engine.quant;

import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.io.StoredType;
import dev.tunesmith.engine.ops.FourBitMatrix;
import dev.tunesmith.engine.tensor.Region;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.IntStream;

/// A quantised form that a checkpoint can be saved in, in the layouts that transformers loads and
/// [PackedForm] reads.
public enum SavedForm {
    /// 8-bit floats with a scale for 128 × 128 values (DeepSeek-V3, arXiv 2412.19437).
    FP8,
    /// 8-bit integers with a scale a row (LLM.int8, arXiv 2208.07339).
    INT8,
    /// NF4 with quantised scales (QLoRA, arXiv 2305.14314).
    NF4;

    private static final int BLOCK = 128;

    /// Below this, scales would make infinite codes.
    private static final float SCALE_MIN = 1e-12f;

    /// A matrix to be saved.
    ///
    /// @param module path of its layer, without `.weight`
    /// @param values row after row
    // Arrays: read only.
    @SuppressWarnings("ArrayRecordComponent")
    public record Matrix(String module, int outputs, int inputs, float[] values) {
        private List<Long> shape() {
            return List.of((long) outputs, (long) inputs);
        }
    }

    /// The form that a user names, in small or capital letters.
    public static Optional<SavedForm> of(String name) {
        return Arrays.stream(values()).filter(one -> one.name().equalsIgnoreCase(name)).findFirst();
    }

    /// The `quantization_config` of the checkpoint.
    ///
    /// @param plain modules that stay as they are
    public Map<String, Object> config(List<String> plain) {
        Map<String, Object> config = new TreeMap<>();
        switch (this) {
            case FP8 -> {
                config.put("quant_method", "fp8");
                config.put("activation_scheme", "dynamic");
                config.put("fmt", "e4m3");
                config.put("weight_block_size", List.of(BLOCK, BLOCK));
                config.put("modules_to_not_convert", plain);
            }
            case INT8 -> {
                config.put("quant_method", "bitsandbytes");
                config.put("load_in_8bit", true);
                config.put("llm_int8_threshold", 6.0);
                config.put("llm_int8_skip_modules", plain);
            }
            case NF4 -> {
                config.putAll(FourBitFormat.qlora().toTree());
                config.put("llm_int8_skip_modules", plain);
            }
        }
        return config;
    }

    /// Adds everything that the checkpoint holds of a matrix.
    ///
    /// @param region where bytes live until the file is written
    public void add(SafetensorsWriter writer, Matrix matrix, Region region) {
        switch (this) {
            case FP8 -> addBlocks(writer, matrix);
            case INT8 -> addRows(writer, matrix);
            case NF4 -> {
                FourBitFormat format = FourBitFormat.qlora();
                try (Region scratch = Region.lasting("values to quantise")) {
                    FourBitMatrix.Codes codes =
                            format.quantise(
                                    scratch.floats(matrix.values, matrix.outputs, matrix.inputs),
                                    region);
                    BitsAndBytes4.write(
                            writer,
                            matrix.module + ".weight",
                            new FourBitMatrix(matrix.outputs, matrix.inputs, codes, region),
                            new BitsAndBytes4.Source(format.kind(), "bfloat16"));
                }
            }
        }
    }

    private static void addBlocks(SafetensorsWriter writer, Matrix matrix) {
        int down = Math.ceilDiv(matrix.outputs, BLOCK);
        int across = Math.ceilDiv(matrix.inputs, BLOCK);
        float[] scales = new float[down * across];
        byte[] codes = new byte[matrix.values.length];
        IntStream.range(0, scales.length)
                .parallel()
                .forEach(block ->
                        scales[block] = code(matrix, block / across, block % across, codes));
        writer.add(
                matrix.module + ".weight",
                StoredType.F8_E4M3,
                matrix.shape(),
                MemorySegment.ofArray(codes));
        writer.add(
                matrix.module + ".weight_scale_inv", List.of((long) down, (long) across), scales);
    }

    /// Codes of one block.
    ///
    /// @return their scale
    private static float code(Matrix matrix, int down, int across, byte[] codes) {
        float largest = 0;
        int bottom = Math.min(matrix.outputs, (down + 1) * BLOCK);
        int right = Math.min(matrix.inputs, (across + 1) * BLOCK);
        for (int row = down * BLOCK; row < bottom; row++) {
            for (int column = across * BLOCK; column < right; column++) {
                float value = matrix.values[row * matrix.inputs + column];
                largest = Math.max(largest, Math.abs(value));
            }
        }
        float scale = Math.max(SCALE_MIN, largest / Float8.MAX);
        for (int row = down * BLOCK; row < bottom; row++) {
            for (int column = across * BLOCK; column < right; column++) {
                int at = row * matrix.inputs + column;
                codes[at] = Float8.code(matrix.values[at] / scale);
            }
        }
        return scale;
    }

    private static void addRows(SafetensorsWriter writer, Matrix matrix) {
        float[] largest = new float[matrix.outputs];
        byte[] codes = new byte[matrix.values.length];
        IntStream.range(0, matrix.outputs)
                .parallel()
                .forEach(row -> {
                    int from = row * matrix.inputs;
                    for (int i = from; i < from + matrix.inputs; i++) {
                        largest[row] = Math.max(largest[row], Math.abs(matrix.values[i]));
                    }
                    float factor = largest[row] == 0 ? 0 : 127 / largest[row];
                    for (int i = from; i < from + matrix.inputs; i++) {
                        codes[i] = (byte) Math.rint(matrix.values[i] * factor);
                    }
                });
        writer.add(
                matrix.module + ".weight",
                StoredType.I8,
                matrix.shape(),
                MemorySegment.ofArray(codes));
        writer.add(matrix.module + ".SCB", List.of((long) matrix.outputs), largest);
        writer.add(
                matrix.module + ".weight_format",
                StoredType.U8,
                List.of(),
                MemorySegment.ofArray(new byte[1]));
    }
}
