package dev.tunesmith.bench.nano;

import dev.tunesmith.engine.io.SafetensorsWriter;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;

/// Weights of a Llama-architecture model before any training: normal with deviation 0.02, output
/// projections smaller by √(2 · layers) (GPT-2), norms 1.
final class FirstWeights {

    private static final double DEVIATION = 0.02;

    private final Map<String, Object> config;
    private final Random random;
    private final SafetensorsWriter writer = new SafetensorsWriter(Map.of("format", "pt"));

    private FirstWeights(Map<String, Object> config, Random random) {
        this.config = config;
        this.random = random;
    }

    /// The weights for a `config.json`, ready to be written.
    static SafetensorsWriter of(Map<String, Object> config, Random random) {
        return new FirstWeights(config, random).all();
    }

    private SafetensorsWriter all() {
        int width = number("hidden_size");
        int layers = number("num_hidden_layers");
        int mlp = number("intermediate_size");
        int queries = number("num_attention_heads") * number("head_dim");
        int keys = number("num_key_value_heads") * number("head_dim");
        double output = DEVIATION / Math.sqrt(2.0 * layers);
        normal("model.embed_tokens.weight", number("vocab_size"), width, DEVIATION);
        for (int layer = 0; layer < layers; layer++) {
            String prefix = "model.layers.%d.".formatted(layer);
            ones(prefix + "input_layernorm.weight", width);
            normal(prefix + "self_attn.q_proj.weight", queries, width, DEVIATION);
            normal(prefix + "self_attn.k_proj.weight", keys, width, DEVIATION);
            normal(prefix + "self_attn.v_proj.weight", keys, width, DEVIATION);
            normal(prefix + "self_attn.o_proj.weight", width, queries, output);
            ones(prefix + "post_attention_layernorm.weight", width);
            normal(prefix + "mlp.gate_proj.weight", mlp, width, DEVIATION);
            normal(prefix + "mlp.up_proj.weight", mlp, width, DEVIATION);
            normal(prefix + "mlp.down_proj.weight", width, mlp, output);
        }
        ones("model.norm.weight", width);
        return writer;
    }

    private int number(String key) {
        if (!(config.get(key) instanceof Integer number)) {
            throw new IllegalArgumentException("config.json: %s is missing".formatted(key));
        }
        return number;
    }

    private void normal(String name, int rows, int columns, double deviation) {
        float[] values = new float[rows * columns];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (random.nextGaussian() * deviation);
        }
        writer.add(name, List.of((long) rows, (long) columns), values);
    }

    private void ones(String name, int length) {
        float[] values = new float[length];
        Arrays.fill(values, 1);
        writer.add(name, List.of((long) length), values);
    }
}
