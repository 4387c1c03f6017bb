package dev.tunesmith.contracts.fit;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// The names that families have for the usual sizes of a `config.json`.
final class ConfigNames {

    /// Names of each size, the usual one first.
    private static final List<List<String>> NAMES =
            List.of(
                    List.of("num_hidden_layers", "n_layer", "num_layers", "n_layers"),
                    List.of("hidden_size", "n_embd", "n_embed", "d_model"),
                    List.of("num_attention_heads", "n_head", "n_heads"),
                    List.of(
                            "num_key_value_heads",
                            "num_kv_heads",
                            "n_head_kv",
                            "multi_query_group_num"),
                    List.of("head_dim", "kv_channels"),
                    List.of("intermediate_size", "n_inner", "ffn_hidden_size", "ffn_dim"),
                    List.of("vocab_size", "padded_vocab_size"),
                    List.of(
                            "max_position_embeddings",
                            "n_positions",
                            "seq_length",
                            "model_max_length",
                            "max_seq_len"),
                    List.of("num_experts", "moe_num_experts"),
                    List.of("moe_intermediate_size"),
                    List.of("n_shared_experts", "moe_num_shared_experts", "num_shared_expert"));

    /// Families whose MLP is four times as wide as the model unless something else is said.
    private static final Set<String> PLAIN_MLP =
            Set.of("gpt2", "gpt_bigcode", "gptj", "mpt", "bloom", "falcon");

    private ConfigNames() {}

    /// The same with usual names; the options of a text model inside another stand beside the rest.
    static Map<String, Object> usual(Map<String, Object> config) {
        Map<String, Object> usual = new HashMap<>(config);
        if (config.get("text_config") instanceof Map<?, ?> text) {
            text.forEach((key, value) -> usual.putIfAbsent(String.valueOf(key), value));
        }
        for (List<String> names : NAMES) {
            names.stream()
                    .map(usual::get)
                    .filter(value -> value != null)
                    .map(ConfigNames::once)
                    .findFirst()
                    .ifPresent(value -> usual.put(names.getFirst(), value));
        }
        return usual;
    }

    /// What some say for every layer, where it is the same for all.
    private static Object once(Object value) {
        return value instanceof List<?> all && new HashSet<>(all).size() == 1
                ? all.getFirst()
                : value;
    }

    /// Parameters of the blocks of a tower for pictures, 0 if there is none.
    static long towerParameters(Map<String, Object> config) {
        if (!(config.get("vision_config") instanceof Map<?, ?> tower)) {
            return 0;
        }
        long layers = number(tower, "depth", number(tower, "num_hidden_layers", 0));
        long width = number(tower, "embed_dim", number(tower, "hidden_size", 0));
        long mlp = number(tower, "intermediate_size", 4 * width);
        return layers * (4 * width * width + 3 * width * mlp);
    }

    private static long number(Map<?, ?> map, String key, long otherwise) {
        return map.get(key) instanceof Number number ? number.longValue() : otherwise;
    }

    /// Whether the width of the MLP follows from that of the model.
    static boolean plainMlp(Map<String, Object> config) {
        return PLAIN_MLP.contains(String.valueOf(config.get("model_type")));
    }
}
