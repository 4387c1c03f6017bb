package dev.tunesmith.bench.speed;

import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.io.StoredType;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/// A model of a real shape with random weights: what speed depends on is the shape alone.
enum RandomModel {
    /// 135 million parameters, tied: the shape of SmolLM2-135M.
    SMOL135,
    /// 494 million parameters, tied, with biases of queries, keys and values: Qwen2-0.5B.
    QWEN05,
    /// 1.5 billion parameters, tied, with biases: Qwen2.5-1.5B.
    QWEN15,
    /// 3 billion parameters, tied, with biases: Qwen2.5-3B.
    QWEN3,
    /// 8 billion parameters with a head of its own: Llama-3.1-8B.
    LLAMA8;

    private static final ValueLayout.OfShort BITS = ValueLayout.JAVA_SHORT_UNALIGNED;

    private record Shape(
            int layers, int width, int heads, int kvHeads, int mlpWidth, int vocabulary) {
        int headWidth() {
            return width / heads;
        }
    }

    private Shape shape() {
        return switch (this) {
            case SMOL135 -> new Shape(30, 576, 9, 3, 1536, 49_152);
            case QWEN05 -> new Shape(24, 896, 14, 2, 4864, 151_936);
            case QWEN15 -> new Shape(28, 1536, 12, 2, 8960, 151_936);
            case QWEN3 -> new Shape(36, 2048, 16, 2, 11_008, 151_936);
            case LLAMA8 -> new Shape(32, 4096, 32, 8, 14_336, 128_256);
        };
    }

    private Map<String, Object> family() {
        return switch (this) {
            case SMOL135, LLAMA8 ->
                    Map.of(
                            "model_type",
                            "llama",
                            "architectures",
                            List.of("LlamaForCausalLM"),
                            "max_position_embeddings",
                            8192,
                            "rope_theta",
                            1e5,
                            "rms_norm_eps",
                            1e-5);
            case QWEN05, QWEN15, QWEN3 ->
                    Map.of(
                            "model_type",
                            "qwen2",
                            "architectures",
                            List.of("Qwen2ForCausalLM"),
                            "max_position_embeddings",
                            32_768,
                            "rope_theta",
                            1e6,
                            "rms_norm_eps",
                            1e-6);
        };
    }

    private boolean tied() {
        return this != LLAMA8;
    }

    private boolean biased() {
        return switch (this) {
            case QWEN05, QWEN15, QWEN3 -> true;
            case SMOL135, LLAMA8 -> false;
        };
    }

    /// Writes a checkpoint of random bf16 weights.
    ModelDirectory write(Path folder) throws IOException {
        Files.createDirectories(folder);
        writeConfig(folder);
        SafetensorsWriter writer = new SafetensorsWriter(Map.of("format", "pt"));
        Shape shape = shape();
        int width = shape.width();
        try (Region region = Region.lasting("random weights")) {
            Sink to = new Sink(writer, region);
            add(to, "model.embed_tokens.weight", shape.vocabulary(), width);
            for (int layer = 0; layer < shape.layers(); layer++) {
                addLayer(to, "model.layers.%d.".formatted(layer));
            }
            add(to, "model.norm.weight", width);
            if (!tied()) {
                add(to, "lm_head.weight", shape.vocabulary(), width);
            }
            writer.write(folder.resolve(ModelDirectory.WEIGHTS));
        }
        return ModelDirectory.open(folder);
    }

    private void writeConfig(Path folder) throws IOException {
        Shape shape = shape();
        Map<String, Object> config = new LinkedHashMap<>(family());
        config.put("hidden_size", shape.width());
        config.put("intermediate_size", shape.mlpWidth());
        config.put("num_hidden_layers", shape.layers());
        config.put("num_attention_heads", shape.heads());
        config.put("num_key_value_heads", shape.kvHeads());
        config.put("vocab_size", shape.vocabulary());
        config.put("tie_word_embeddings", tied());
        JsonTree.write(folder.resolve(ModelDirectory.CONFIG), config);
    }

    private void addLayer(Sink to, String path) {
        Shape shape = shape();
        int width = shape.width();
        int keys = shape.kvHeads() * shape.headWidth();
        String attention = path + "self_attn.";
        add(to, attention + "q_proj.weight", width, width);
        add(to, attention + "k_proj.weight", keys, width);
        add(to, attention + "v_proj.weight", keys, width);
        if (biased()) {
            add(to, attention + "q_proj.bias", width);
            add(to, attention + "k_proj.bias", keys);
            add(to, attention + "v_proj.bias", keys);
        }
        add(to, attention + "o_proj.weight", width, width);
        add(to, path + "mlp.gate_proj.weight", shape.mlpWidth(), width);
        add(to, path + "mlp.up_proj.weight", shape.mlpWidth(), width);
        add(to, path + "mlp.down_proj.weight", width, shape.mlpWidth());
        add(to, path + "input_layernorm.weight", width);
        add(to, path + "post_attention_layernorm.weight", width);
    }

    /// A tensor's bytes lie outside the heap, which is small and fixed.
    private static void add(Sink to, String name, int... shape) {
        long[] sizes = Arrays.stream(shape).asLongStream().toArray();
        Tensor tensor = to.region().tensor(DType.BF16, sizes);
        MemorySegment bytes = tensor.segment();
        SplittableRandom random = new SplittableRandom(name.hashCode());
        boolean gain = name.endsWith("norm.weight");
        for (long i = 0; i < tensor.elements(); i++) {
            float value = gain ? 1 : (float) (random.nextDouble() - 0.5) * 0.07f;
            bytes.set(BITS, 2 * i, (short) (Float.floatToRawIntBits(value) >>> 16));
        }
        List<Long> axes = Arrays.stream(sizes).boxed().toList();
        to.writer().add(name, StoredType.BF16, axes, bytes);
    }

    /// Where tensors go, and where they lie until all are written.
    private record Sink(SafetensorsWriter writer, Region region) {}
}
