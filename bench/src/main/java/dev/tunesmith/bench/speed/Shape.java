package dev.tunesmith.bench.speed;

import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.io.StoredType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/// A Llama shape that can be filled with random weights.
record Shape(int layers, int width, int heads, int kvHeads, int mlpWidth, int vocabulary) {

    /// 135 million parameters, tied.
    static Shape small135m() {
        return new Shape(30, 576, 9, 3, 1536, 49_152);
    }

    private int headWidth() {
        return width / heads;
    }

    /// Parameters of the matrices that every token is multiplied with, the head included.
    long matrixParameters() {
        long attention = (long) width * headWidth() * (2L * heads + 2L * kvHeads);
        return layers * (attention + 3L * width * mlpWidth) + (long) width * vocabulary;
    }

    /// Writes a checkpoint of random bf16 weights.
    ModelDirectory write(Path folder) throws IOException {
        Files.createDirectories(folder);
        JsonTree.write(
                folder.resolve(ModelDirectory.CONFIG),
                Map.ofEntries(
                        Map.entry("model_type", "llama"),
                        Map.entry("hidden_size", width),
                        Map.entry("intermediate_size", mlpWidth),
                        Map.entry("num_hidden_layers", layers),
                        Map.entry("num_attention_heads", heads),
                        Map.entry("num_key_value_heads", kvHeads),
                        Map.entry("vocab_size", vocabulary),
                        Map.entry("max_position_embeddings", 8192),
                        Map.entry("rope_theta", 1e5),
                        Map.entry("rms_norm_eps", 1e-5),
                        Map.entry("tie_word_embeddings", true)));
        SafetensorsWriter writer = new SafetensorsWriter(Map.of("format", "pt"));
        add(writer, "model.embed_tokens.weight", vocabulary, width);
        for (int layer = 0; layer < layers; layer++) {
            String path = "model.layers.%d.".formatted(layer);
            add(writer, path + "self_attn.q_proj.weight", heads * headWidth(), width);
            add(writer, path + "self_attn.k_proj.weight", kvHeads * headWidth(), width);
            add(writer, path + "self_attn.v_proj.weight", kvHeads * headWidth(), width);
            add(writer, path + "self_attn.o_proj.weight", width, heads * headWidth());
            add(writer, path + "mlp.gate_proj.weight", mlpWidth, width);
            add(writer, path + "mlp.up_proj.weight", mlpWidth, width);
            add(writer, path + "mlp.down_proj.weight", width, mlpWidth);
            add(writer, path + "input_layernorm.weight", width);
            add(writer, path + "post_attention_layernorm.weight", width);
        }
        add(writer, "model.norm.weight", width);
        writer.write(folder.resolve(ModelDirectory.WEIGHTS));
        return ModelDirectory.open(folder);
    }

    private static void add(SafetensorsWriter writer, String name, int... shape) {
        long elements = 1;
        for (int size : shape) {
            elements *= size;
        }
        ByteBuffer bytes =
                ByteBuffer.allocate(Math.toIntExact(elements * 2)).order(ByteOrder.LITTLE_ENDIAN);
        SplittableRandom random = new SplittableRandom(name.hashCode());
        boolean gain = shape.length == 1;
        for (int i = 0; i < elements; i++) {
            float value = gain ? 1 : (float) (random.nextDouble() - 0.5) * 0.07f;
            bytes.putShort((short) (Float.floatToRawIntBits(value) >>> 16));
        }
        List<Long> axes = java.util.Arrays.stream(shape).mapToObj(Long::valueOf).toList();
        writer.add(name, StoredType.BF16, axes, MemorySegment.ofBuffer(bytes.flip()));
    }
}
