package dev.tunesmith.engine.gguf;

import dev.tunesmith.engine.io.ModelFileException;
import dev.tunesmith.engine.io.StoredType;
import dev.tunesmith.engine.nn.position.RopeScaling;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The configuration of a model as the metadata of a GGUF file tell it.
final class GgufConfig {

    private final GgufFile file;
    private final GgufFamily family;
    private final List<String> faults = new ArrayList<>();

    private GgufConfig(GgufFile file, GgufFamily family) {
        this.file = file;
        this.family = family;
    }

    /// @throws ModelFileException if the architecture is not known
    static GgufConfig of(GgufFile file) {
        Object name = file.metadata().getOrDefault("general.architecture", "none");
        GgufFamily family =
                GgufFamily.of(name)
                        .orElseThrow(() ->
                                new ModelFileException(
                                        file.path(),
                                        "architecture '%s' is not supported (supported: %s)"
                                                .formatted(
                                                        name,
                                                        String.join(", ", GgufFamily.names()))));
        return new GgufConfig(file, family);
    }

    GgufFamily family() {
        return family;
    }

    int heads() {
        return size("attention.head_count");
    }

    int keyHeads() {
        return number("attention.head_count_kv").map(Number::intValue).orElse(heads());
    }

    /// Rows of queries or keys in the order of Hugging Face.
    float[] unturned(float[] values, long rows, int heads) {
        if (!family.turned()) {
            return values;
        }
        int width = Math.toIntExact(values.length / rows);
        var order = new HeadRows(Math.toIntExact(rows), heads);
        float[] result = new float[values.length];
        for (int row = 0; row < rows; row++) {
            System.arraycopy(values, row * width, result, order.plain(row) * width, width);
        }
        return result;
    }

    /// The tree of a `config.json`.
    ///
    /// @throws ModelFileException with every key that is missing or not supported
    Map<String, Object> tree(StoredType type) {
        var tree = new LinkedHashMap<String, Object>();
        tree.put("architectures", List.of(family.architecture()));
        tree.put("model_type", family.wire());
        tree.put("hidden_act", "silu");
        tree.put("hidden_size", size("embedding_length"));
        tree.put("intermediate_size", size("feed_forward_length"));
        tree.put("num_hidden_layers", size("block_count"));
        tree.put("num_attention_heads", heads());
        tree.put("num_key_value_heads", keyHeads());
        tree.put("max_position_embeddings", size("context_length"));
        tree.put("rms_norm_eps", number("attention.layer_norm_rms_epsilon").orElse(1e-5));
        tree.put("rope_theta", number("rope.freq_base").orElse(10_000.0));
        tree.put("vocab_size", vocabulary());
        tree.put("tie_word_embeddings", file.find("output.weight").isEmpty());
        tree.put("torch_dtype", type == StoredType.F32 ? "float32" : "bfloat16");
        tree.put("head_dim", headWidth());
        own(tree);
        scaling().ifPresent(scaling -> tree.put("rope_scaling", scaling));
        token("bos").ifPresent(id -> tree.put("bos_token_id", id));
        token("eos").ifPresent(id -> tree.put("eos_token_id", id));
        if (!faults.isEmpty()) {
            throw new ModelFileException(file.path(), String.join("; ", faults));
        }
        return tree;
    }

    /// What one family alone has.
    private void own(Map<String, Object> tree) {
        boolean bias = file.find("blk.0.attn_q.bias").isPresent();
        switch (family) {
            case LLAMA, OLMO2 -> tree.put("attention_bias", bias);
            case SMOLLM3 -> {
                tree.put("attention_bias", bias);
                tree.put("no_rope_layer_interval", GgufExport.SMOLLM3_INTERVAL);
            }
            case SEED_OSS -> {
                tree.put("attention_bias", bias);
                tree.put("attention_out_bias", file.find("blk.0.attn_output.bias").isPresent());
            }
            case GRANITE -> {
                tree.put("attention_bias", bias);
                double usual = 1 / Math.sqrt(headWidth());
                tree.put("attention_multiplier", number("attention.scale").orElse(usual));
                tree.put("embedding_multiplier", number("embedding_scale").orElse(1.0));
                tree.put("residual_multiplier", number("residual_scale").orElse(1.0));
                tree.put("logits_scaling", number("logit_scale").orElse(1.0));
            }
            case QWEN2, QWEN3, ERNIE -> {}
        }
    }

    private int headWidth() {
        return number("attention.key_length")
                .map(Number::intValue)
                .orElse(size("embedding_length") / Math.max(1, heads()));
    }

    private Optional<Map<String, Object>> scaling() {
        Optional<GgufFile.Tensor> factors = file.find(GgufFamily.ROPE_FACTORS);
        if (factors.isPresent()) {
            return scaling(factors.get());
        }
        Object kind = file.metadata().getOrDefault(family.wire() + ".rope.scaling.type", "none");
        if (kind.equals("none")) {
            return Optional.empty();
        }
        if (kind.equals("yarn")) {
            return Optional.of(yarn());
        }
        if (!kind.equals("linear")) {
            faults.add(
                    "rope.scaling.type '%s' is not supported (supported: none, linear, yarn)"
                            .formatted(kind));
            return Optional.empty();
        }
        return Optional.of(
                Map.of("rope_type", "linear", "factor", number("rope.scaling.factor").orElse(1.0)));
    }

    private Map<String, Object> yarn() {
        var tree = new LinkedHashMap<String, Object>();
        double factor = number("rope.scaling.factor").orElse(1.0).doubleValue();
        tree.put("rope_type", "yarn");
        tree.put("factor", factor);
        tree.put(
                "original_max_position_embeddings",
                number("rope.scaling.original_context_length")
                        .map(Number::intValue)
                        .orElse(size("context_length")));
        number("rope.scaling.yarn_beta_fast").ifPresent(beta -> tree.put("beta_fast", beta));
        number("rope.scaling.yarn_beta_slow").ifPresent(beta -> tree.put("beta_slow", beta));
        number("rope.scaling.yarn_attn_factor")
                .ifPresent(own ->
                        tree.put("attention_factor", own.doubleValue() * YarnFactor.usual(factor)));
        return tree;
    }

    private Optional<Map<String, Object>> scaling(GgufFile.Tensor factors) {
        double theta = number("rope.freq_base").orElse(10_000.0).doubleValue();
        Optional<RopeScaling.Llama3> scaling = RopeFactors.scaling(file.values(factors), theta);
        if (scaling.isEmpty()) {
            faults.add(
                    "%s are not those of Llama 3: import the original model instead"
                            .formatted(GgufFamily.ROPE_FACTORS));
        }
        return scaling.map(llama3 ->
                Map.of(
                        "rope_type", "llama3",
                        "factor", llama3.factor(),
                        "low_freq_factor", llama3.lowFrequency(),
                        "high_freq_factor", llama3.highFrequency(),
                        "original_max_position_embeddings", llama3.originalContext()));
    }

    private int vocabulary() {
        return file.find("token_embd.weight")
                .map(tensor -> tensor.shape().getFirst().intValue())
                .orElseGet(() -> {
                    faults.add("tensor token_embd.weight is missing");
                    return 1;
                });
    }

    private Optional<Integer> token(String role) {
        return file.metadata().get("tokenizer.ggml.%s_token_id".formatted(role)) instanceof Long id
                ? Optional.of(Math.toIntExact(id))
                : Optional.empty();
    }

    private int size(String key) {
        Optional<Number> size = number(key);
        if (size.isEmpty() || size.get().longValue() < 1) {
            faults.add("%s.%s is missing".formatted(family.wire(), key));
            return 1;
        }
        return size.get().intValue();
    }

    private Optional<Number> number(String key) {
        return file.metadata().get(family.wire() + "." + key) instanceof Number number
                ? Optional.of(number)
                : Optional.empty();
    }
}
