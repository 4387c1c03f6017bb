package dev.tunesmith.engine.gguf;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// Architectures that GGUF files and model folders both know, with the names that each has for the
/// parts of a model.
enum GgufFamily {
    LLAMA("llama", "LlamaForCausalLM", true),
    QWEN2("qwen2", "Qwen2ForCausalLM", false),
    QWEN3("qwen3", "Qwen3ForCausalLM", false),
    GRANITE("granite", "GraniteForCausalLM", true),
    SMOLLM3("smollm3", "SmolLM3ForCausalLM", true),
    ERNIE("ernie4_5", "Ernie4_5ForCausalLM", false),
    SEED_OSS("seed_oss", "SeedOssForCausalLM", false),
    OLMO2("olmo2", "Olmo2ForCausalLM", false);

    /// Divisors of rotary frequencies: no weight, for it follows from the configuration.
    static final String ROPE_FACTORS = "rope_freqs.weight";

    static final String EMBEDDING = "token_embd.weight";
    static final String HEAD = "output.weight";

    private static final Pattern INNER = Pattern.compile("blk\\.(\\d+)\\.(.+)\\.(weight|bias)");
    private static final Pattern PLAIN_INNER =
            Pattern.compile("model\\.layers\\.(\\d+)\\.(.+)\\.(weight|bias)");

    private static final Map<String, String> OUTSIDE =
            Map.of(
                    EMBEDDING,
                    "model.embed_tokens.weight",
                    "output_norm.weight",
                    "model.norm.weight",
                    HEAD,
                    "lm_head.weight");

    private static final Map<String, String> INSIDE =
            Map.ofEntries(
                    Map.entry("attn_norm", "input_layernorm"),
                    Map.entry("attn_q", "self_attn.q_proj"),
                    Map.entry("attn_k", "self_attn.k_proj"),
                    Map.entry("attn_v", "self_attn.v_proj"),
                    Map.entry("attn_output", "self_attn.o_proj"),
                    Map.entry("attn_q_norm", "self_attn.q_norm"),
                    Map.entry("attn_k_norm", "self_attn.k_norm"),
                    Map.entry("ffn_norm", "post_attention_layernorm"),
                    Map.entry("ffn_gate", "mlp.gate_proj"),
                    Map.entry("ffn_up", "mlp.up_proj"),
                    Map.entry("ffn_down", "mlp.down_proj"));

    private static final Map<String, String> OUTSIDE_OF = inverse(OUTSIDE);

    private final String wire;
    private final String architecture;
    private final boolean turned;

    GgufFamily(String wire, String architecture, boolean turned) {
        this.wire = wire;
        this.architecture = architecture;
        this.turned = turned;
    }

    /// Parts whose names are not the usual ones.
    private Map<String, String> others() {
        return switch (this) {
            case LLAMA, QWEN2, QWEN3, GRANITE, SMOLLM3, ERNIE -> Map.of();
            case SEED_OSS -> Map.of("post_attention_norm", "post_attention_layernorm");
            case OLMO2 ->
                    Map.of(
                            "post_attention_norm", "post_attention_layernorm",
                            "post_ffw_norm", "post_feedforward_layernorm");
        };
    }

    /// Names of the parts of a layer, in the file and in the folder.
    private Map<String, String> inside() {
        Map<String, String> names = new HashMap<>(INSIDE);
        names.values().removeAll(others().values());
        names.putAll(others());
        return names;
    }

    private static Map<String, String> inverse(Map<String, String> map) {
        return map.entrySet().stream()
                .collect(Collectors.toUnmodifiableMap(Map.Entry::getValue, Map.Entry::getKey));
    }

    /// The family that a GGUF file names.
    static Optional<GgufFamily> of(Object wire) {
        return List.of(values()).stream().filter(one -> one.wire.equals(wire)).findFirst();
    }

    /// The family that holds models of that `model_type`.
    static Optional<GgufFamily> ofModel(String type) {
        return List.of(values()).stream().filter(one -> one.sources().contains(type)).findFirst();
    }

    private List<String> sources() {
        return this == LLAMA ? List.of(wire, "mistral") : List.of(wire);
    }

    static List<String> names() {
        return List.of(values()).stream().map(one -> one.wire).toList();
    }

    static List<String> models() {
        return List.of(values()).stream().flatMap(one -> one.sources().stream()).toList();
    }

    String wire() {
        return wire;
    }

    String architecture() {
        return architecture;
    }

    /// Whether rows of queries and keys hold the two halves of a head one row in turn.
    boolean turned() {
        return turned;
    }

    /// The name in a model folder, if the tensor is known.
    Optional<String> plainName(String name) {
        return renamed(name, INNER, OUTSIDE, inside(), "model.layers.%s.%s.%s");
    }

    /// The name in a GGUF file, if the tensor is known.
    Optional<String> ggufName(String name) {
        return renamed(name, PLAIN_INNER, OUTSIDE_OF, inverse(inside()), "blk.%s.%s.%s");
    }

    /// The layer of a tensor in a GGUF file, or -1.
    static int layer(String name) {
        return name.startsWith("blk.") ? Integer.parseInt(name.split("\\.", 3)[1]) : -1;
    }

    private static Optional<String> renamed(
            String name,
            Pattern inner,
            Map<String, String> outside,
            Map<String, String> inside,
            String form) {
        Matcher layer = inner.matcher(name);
        if (!layer.matches()) {
            return Optional.ofNullable(outside.get(name));
        }
        return Optional.ofNullable(inside.get(layer.group(2)))
                .map(part -> form.formatted(layer.group(1), part, layer.group(3)));
    }
}
