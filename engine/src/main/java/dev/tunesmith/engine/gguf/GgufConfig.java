package dev.tunesmith.engine.gguf;

import dev.tunesmith.engine.io.ModelFileException;
import dev.tunesmith.engine.io.StoredType;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The configuration of a model as the metadata of a GGUF file tell it.
final class GgufConfig {

    /// Architectures by their name in GGUF files.
    private enum Family {
        LLAMA("llama", "LlamaForCausalLM", true),
        QWEN2("qwen2", "Qwen2ForCausalLM", false),
        QWEN3("qwen3", "Qwen3ForCausalLM", false);

        private final String wire;
        private final String architecture;
        private final boolean turned;

        Family(String wire, String architecture, boolean turned) {
            this.wire = wire;
            this.architecture = architecture;
            this.turned = turned;
        }

        static Optional<Family> of(Object wire) {
            return List.of(values()).stream().filter(one -> one.wire.equals(wire)).findFirst();
        }

        static List<String> names() {
            return List.of(values()).stream().map(one -> one.wire).toList();
        }
    }

    private final GgufFile file;
    private final Family family;
    private final List<String> faults = new ArrayList<>();

    private GgufConfig(GgufFile file, Family family) {
        this.file = file;
        this.family = family;
    }

    /// @throws ModelFileException if the architecture is not known
    static GgufConfig of(GgufFile file) {
        Object name = file.metadata().getOrDefault("general.architecture", "none");
        Family family =
                Family.of(name)
                        .orElseThrow(() ->
                                new ModelFileException(
                                        file.path(),
                                        "architecture '%s' is not supported (supported: %s)"
                                                .formatted(
                                                        name, String.join(", ", Family.names()))));
        return new GgufConfig(file, family);
    }

    int heads() {
        return size("attention.head_count");
    }

    int keyHeads() {
        return number("attention.head_count_kv").map(Number::intValue).orElse(heads());
    }

    /// Rows of queries or keys in the order of Hugging Face. Files of the llama family hold the two
    /// halves of a head one row in turn.
    float[] unturned(float[] values, int heads) {
        if (!family.turned) {
            return values;
        }
        int headValues = values.length / heads;
        int width = size("embedding_length");
        int rowValues = values.length % width == 0 ? width : 1;
        int half = headValues / rowValues / 2;
        float[] result = new float[values.length];
        for (int head = 0; head < heads; head++) {
            for (int row = 0; row < half; row++) {
                for (int side = 0; side < 2; side++) {
                    int from = head * headValues + (2 * row + side) * rowValues;
                    int to = head * headValues + (side * half + row) * rowValues;
                    System.arraycopy(values, from, result, to, rowValues);
                }
            }
        }
        return result;
    }

    /// The tree of a `config.json`.
    ///
    /// @throws ModelFileException with every key that is missing or not supported
    Map<String, Object> tree(StoredType type) {
        var tree = new LinkedHashMap<String, Object>();
        tree.put("architectures", List.of(family.architecture));
        tree.put("model_type", family.wire);
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
        if (family == Family.LLAMA) {
            tree.put("attention_bias", file.find("blk.0.attn_q.bias").isPresent());
        }
        scaling().ifPresent(scaling -> tree.put("rope_scaling", scaling));
        token("bos").ifPresent(id -> tree.put("bos_token_id", id));
        token("eos").ifPresent(id -> tree.put("eos_token_id", id));
        if (!faults.isEmpty()) {
            throw new ModelFileException(file.path(), String.join("; ", faults));
        }
        return tree;
    }

    private int headWidth() {
        return number("attention.key_length")
                .map(Number::intValue)
                .orElse(size("embedding_length") / Math.max(1, heads()));
    }

    private Optional<Map<String, Object>> scaling() {
        Object kind = file.metadata().getOrDefault(family.wire + ".rope.scaling.type", "none");
        if (file.find("rope_freqs.weight").isPresent()) {
            faults.add("rope_freqs.weight is not supported: import the original model instead");
        }
        if (kind.equals("none")) {
            return Optional.empty();
        }
        if (!kind.equals("linear")) {
            faults.add(
                    "rope.scaling.type '%s' is not supported (supported: none, linear)"
                            .formatted(kind));
            return Optional.empty();
        }
        return Optional.of(
                Map.of("rope_type", "linear", "factor", number("rope.scaling.factor").orElse(1.0)));
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
            faults.add("%s.%s is missing".formatted(family.wire, key));
            return 1;
        }
        return size.get().intValue();
    }

    private Optional<Number> number(String key) {
        return file.metadata().get(family.wire + "." + key) instanceof Number number
                ? Optional.of(number)
                : Optional.empty();
    }
}
