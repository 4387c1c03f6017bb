package dev.tunesmith.engine.model;

import dev.tunesmith.engine.model.Architecture.Edges;
import dev.tunesmith.engine.model.Architecture.Mlp;
import dev.tunesmith.engine.model.Architecture.NormPlan;
import dev.tunesmith.engine.model.Architecture.NormPlan.Placement;
import dev.tunesmith.engine.model.Architecture.Positions;
import dev.tunesmith.engine.model.Architecture.Size;
import dev.tunesmith.engine.nn.Activation;
import dev.tunesmith.engine.nn.AttentionShape;
import dev.tunesmith.engine.nn.AttentionShape.Bias;
import dev.tunesmith.engine.nn.AttentionShape.QueryKeyNorm;
import dev.tunesmith.engine.nn.RopeScaling;
import dev.tunesmith.engine.nn.Rotary;
import dev.tunesmith.engine.quant.PackedForm;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// The families that can be run, each a reader of its `config.json`.
///
/// Defaults are those of the family's configuration class in transformers.
final class Families {

    private static final double THETA = 10_000;

    private static final SortedMap<String, Function<ConfigReader, Architecture>> READERS =
            new TreeMap<>(
                    Map.ofEntries(
                            Map.entry("llama", reader("llama", Reading::llama)),
                            Map.entry("mistral", reader("mistral", Reading::mistral)),
                            Map.entry("qwen2", reader("qwen2", Reading::qwen2)),
                            Map.entry("qwen3", reader("qwen3", Reading::qwen3)),
                            Map.entry("olmo2", reader("olmo2", Reading::olmo2)),
                            Map.entry("granite", reader("granite", Reading::granite)),
                            Map.entry("gemma2", reader("gemma2", Reading::gemma2)),
                            Map.entry("gemma3_text", reader("gemma3_text", Reading::gemma3)),
                            Map.entry("phi3", reader("phi3", Reading::phi3)),
                            Map.entry("gpt2", reader("gpt2", Reading::gpt2)),
                            Map.entry("mixtral", reader("mixtral", Reading::mixtral)),
                            Map.entry("qwen3_moe", reader("qwen3_moe", Reading::qwen3Moe))));

    /// Other names of the usual options.
    private static final Map<String, Map<String, String>> RENAMED =
            Map.of(
                    "gpt2",
                    Map.of(
                            "n_layer", "num_hidden_layers",
                            "n_embd", "hidden_size",
                            "n_head", "num_attention_heads",
                            "n_positions", "max_position_embeddings",
                            "n_inner", "intermediate_size",
                            "activation_function", "hidden_act"));

    private Families() {}

    private static Function<ConfigReader, Architecture> reader(
            String family, Function<Reading, Architecture> reading) {
        return config -> reading.apply(new Reading(config, family));
    }

    static Architecture read(Map<String, Object> tree) {
        String family = String.valueOf(tree.get("model_type"));
        ConfigReader config = new ConfigReader(renamed(tree, RENAMED.get(family)));
        Function<ConfigReader, Architecture> reader = READERS.get(family);
        if (reader == null) {
            throw new UnsupportedModelException(
                    "config.json",
                    List.of(
                            "model_type '%s' is not supported (supported: %s)"
                                    .formatted(family, String.join(", ", READERS.keySet()))));
        }
        PackedForm.fault(tree).ifPresent(config::fault);
        Architecture architecture = reader.apply(config);
        config.finish("config.json of family " + family);
        return architecture;
    }

    private static Map<String, Object> renamed(
            Map<String, Object> tree, @Nullable Map<String, String> names) {
        Map<String, Object> usual = new HashMap<>(tree);
        if (names != null) {
            names.forEach((other, name) -> usual.put(name, usual.remove(other)));
        }
        return usual;
    }

    /// One configuration being read; methods are the families.
    private static final class Reading {
        private final ConfigReader config;
        private final String family;
        private final Size size;

        Reading(ConfigReader config, String family) {
            this.config = config;
            this.family = family;
            this.size =
                    new Size(
                            config.size("num_hidden_layers"),
                            config.size("hidden_size"),
                            config.size("vocab_size"),
                            config.size("max_position_embeddings", 2048));
            config.only("attention_dropout", 0);
        }

        Architecture llama() {
            config.only("pretraining_tp", 1);
            Bias bias = config.flag("attention_bias", false) ? Bias.ALL : Bias.NONE;
            return new Architecture(
                    family,
                    size,
                    attention(bias, QueryKeyNorm.NONE),
                    everywhere(0, rotary(THETA)),
                    mlp("hidden_act", config.flag("mlp_bias", false)),
                    norms(0, Placement.BEFORE),
                    edges(1, 1, 1, 0));
        }

        Architecture mistral() {
            int window = config.has("sliding_window") ? config.size("sliding_window") : 0;
            return new Architecture(
                    family,
                    size,
                    attention(Bias.NONE, QueryKeyNorm.NONE),
                    everywhere(window, rotary(THETA)),
                    mlp("hidden_act", false),
                    norms(0, Placement.BEFORE),
                    edges(1, 1, 1, 0));
        }

        Architecture qwen2() {
            return qwen(Bias.QKV, QueryKeyNorm.NONE);
        }

        Architecture qwen3() {
            return qwen(
                    config.flag("attention_bias", false) ? Bias.ALL : Bias.NONE,
                    QueryKeyNorm.PER_HEAD);
        }

        Architecture qwen3Moe() {
            int step = config.size("decoder_sparse_step", 1);
            Set<Integer> dense = new TreeSet<>(config.integers("mlp_only_layers"));
            IntStream.range(0, size.layers())
                    .filter(layer -> (layer + 1) % step != 0)
                    .forEach(dense::add);
            int count =
                    config.has("num_local_experts")
                            ? config.size("num_local_experts")
                            : config.size("num_experts", 128);
            return qwen3().with(
                            new Architecture.Experts(
                                    count,
                                    config.size("num_experts_per_tok", 8),
                                    config.size("moe_intermediate_size", 768),
                                    config.flag("norm_topk_prob", false),
                                    dense));
        }

        Architecture mixtral() {
            Architecture dense = mistral();
            return dense.with(
                    new Architecture.Experts(
                            config.size("num_local_experts", 8),
                            config.size("num_experts_per_tok", 2),
                            dense.mlp().width(),
                            true,
                            Set.of()));
        }

        private Architecture qwen(Bias bias, QueryKeyNorm norm) {
            boolean windows = config.flag("use_sliding_window", false);
            int window = windows ? config.size("sliding_window", 4096) : 0;
            int fullLayers = config.size("max_window_layers", 28);
            List<Integer> windows_L = windows_L(window, layer -> layer >= fullLayers ? window : 0);
            Rotary rotary = rotary(THETA);
            return new Architecture(
                    family,
                    size,
                    attention(bias, norm),
                    new Positions(windows_L, List.of(rotary), zeros()),
                    mlp("hidden_act", false),
                    norms(0, Placement.BEFORE),
                    edges(1, 1, 1, 0));
        }

        Architecture phi3() {
            int window = config.has("sliding_window") ? config.size("sliding_window") : 0;
            return new Architecture(
                    family,
                    size,
                    attention(Bias.NONE, QueryKeyNorm.NONE),
                    everywhere(window, rotary(THETA)),
                    mlp("hidden_act", false),
                    norms(0, Placement.BEFORE),
                    edges(1, 1, 1, 0));
        }

        Architecture gpt2() {
            config.only("scale_attn_weights", true);
            config.only("scale_attn_by_inverse_layer_idx", false);
            config.only("add_cross_attention", false);
            int inner =
                    config.has("intermediate_size")
                            ? config.size("intermediate_size")
                            : 4 * size.width();
            return new Architecture(
                    family,
                    size,
                    attention(Bias.ALL, QueryKeyNorm.NONE),
                    new Positions(
                            Collections.nCopies(size.layers(), 0),
                            List.of(),
                            zeros(),
                            size.contextLength()),
                    new Mlp(inner, activation("hidden_act", "gelu_new"), true, false, null),
                    new NormPlan(
                            config.number("layer_norm_epsilon", 1e-5), 0, Placement.BEFORE, true),
                    new Edges(config.flag("tie_word_embeddings", true), 1, 1, 1, 0));
        }

        Architecture olmo2() {
            return new Architecture(
                    family,
                    size,
                    attention(
                            config.flag("attention_bias", false) ? Bias.ALL : Bias.NONE,
                            QueryKeyNorm.WHOLE),
                    everywhere(0, rotary(THETA)),
                    mlp("hidden_act", false),
                    norms(0, Placement.AFTER),
                    edges(1, 1, 1, 0));
        }

        Architecture granite() {
            Bias bias = config.flag("attention_bias", false) ? Bias.ALL : Bias.NONE;
            AttentionShape plain = attention(bias, QueryKeyNorm.NONE);
            return new Architecture(
                    family,
                    size,
                    scaled(plain, config.number("attention_multiplier", 1.0), 0),
                    everywhere(0, rotary(THETA)),
                    mlp("hidden_act", config.flag("mlp_bias", false)),
                    norms(0, Placement.BEFORE),
                    edges(
                            config.number("embedding_multiplier", 1.0),
                            config.number("residual_multiplier", 1.0),
                            1 / config.number("logits_scaling", 1.0),
                            0));
        }

        Architecture gemma2() {
            config.only("use_bidirectional_attention", false);
            int window = config.size("sliding_window", 4096);
            List<Integer> windows_L = windows_L(window, layer -> layer % 2 == 0 ? window : 0);
            return gemma(
                    QueryKeyNorm.NONE, new Positions(windows_L, List.of(rotary(THETA)), zeros()));
        }

        Architecture gemma3() {
            config.only("use_bidirectional_attention", false);
            int window = config.size("sliding_window", 4096);
            int pattern = config.size("sliding_window_pattern", 6);
            List<Integer> windows_L =
                    windows_L(window, layer -> (layer + 1) % pattern == 0 ? 0 : window);
            List<Integer> rotaryOf_L = windows_L.stream().map(w -> w == 0 ? 0 : 1).toList();
            return gemma(
                    QueryKeyNorm.PER_HEAD, new Positions(windows_L, gemma3Rotaries(), rotaryOf_L));
        }

        /// The rotary encoding of full layers, and that of layers with a window.
        private List<Rotary> gemma3Rotaries() {
            ConfigReader parameters = config.child("rope_parameters");
            if (!parameters.has("full_attention")) {
                double local = config.number("rope_local_base_freq", THETA);
                Rotary full = rotary(1_000_000);
                return List.of(full, new Rotary(full.width(), local, new RopeScaling.Plain()));
            }
            RotaryConfig reader = new RotaryConfig(config, size.contextLength());
            ConfigReader full = parameters.child("full_attention");
            ConfigReader local = parameters.child("sliding_attention");
            return List.of(
                    reader.read(full, headWidth(), full.number("rope_theta", 1_000_000.0)),
                    reader.read(local, headWidth(), local.number("rope_theta", THETA)));
        }

        private Architecture gemma(QueryKeyNorm norm, Positions positions) {
            Bias bias = config.flag("attention_bias", false) ? Bias.ALL : Bias.NONE;
            double scale = 1 / Math.sqrt(config.number("query_pre_attn_scalar", 256.0));
            double cap =
                    config.has("attn_logit_softcapping")
                            ? config.number("attn_logit_softcapping", 0.0)
                            : 0;
            double logitCap =
                    config.has("final_logit_softcapping")
                            ? config.number("final_logit_softcapping", 0.0)
                            : 0;
            return new Architecture(
                    family,
                    size,
                    scaled(attention(bias, norm), scale, cap),
                    positions,
                    mlp("hidden_activation", false),
                    norms(1, Placement.AROUND),
                    new Edges(
                            config.flag("tie_word_embeddings", true),
                            Math.sqrt(size.width()),
                            1,
                            1,
                            logitCap));
        }

        private AttentionShape attention(Bias bias, QueryKeyNorm norm) {
            int heads = config.size("num_attention_heads");
            int kvHeads = config.size("num_key_value_heads", heads);
            if (heads % kvHeads != 0) {
                config.fault(
                        "num_attention_heads = %d is no multiple of num_key_value_heads = %d"
                                .formatted(heads, kvHeads));
                kvHeads = heads;
            }
            int width = headWidth();
            return new AttentionShape(heads, kvHeads, width, 1 / Math.sqrt(width), 0, norm, bias);
        }

        private int headWidth() {
            return config.size(
                    "head_dim", Math.max(1, size.width() / config.size("num_attention_heads")));
        }

        private static AttentionShape scaled(AttentionShape shape, double scale, double cap) {
            return new AttentionShape(
                    shape.heads(),
                    shape.kvHeads(),
                    shape.headWidth(),
                    scale,
                    cap,
                    shape.norm(),
                    shape.bias());
        }

        private Rotary rotary(double thetaDefault) {
            return new RotaryConfig(config, size.contextLength()).read(headWidth(), thetaDefault);
        }

        private Positions everywhere(int window, Rotary rotary) {
            return new Positions(
                    Collections.nCopies(size.layers(), window), List.of(rotary), zeros());
        }

        private List<Integer> zeros() {
            return Collections.nCopies(size.layers(), 0);
        }

        /// Windows by `layer_types` where the configuration has it, else by the older rule.
        private List<Integer> windows_L(int window, Function<Integer, Integer> olderRule) {
            List<String> types = config.texts("layer_types");
            if (types == null) {
                return IntStream.range(0, size.layers()).boxed().map(olderRule).toList();
            }
            if (types.size() != size.layers()) {
                config.fault(
                        "layer_types has %d entries for %d layers"
                                .formatted(types.size(), size.layers()));
            }
            List<Integer> windows = new ArrayList<>();
            for (String type : types) {
                switch (type) {
                    case "full_attention" -> windows.add(0);
                    case "sliding_attention" ->
                            windows.add(window == 0 ? config.size("sliding_window", 4096) : window);
                    default -> {
                        config.fault("layer_types: %s is not supported".formatted(type));
                        windows.add(0);
                    }
                }
            }
            return windows;
        }

        private Mlp mlp(String activationKey, boolean bias) {
            return new Mlp(
                    config.size("intermediate_size"), activation(activationKey, "silu"), bias);
        }

        private Activation activation(String key, String absent) {
            String name = config.text(key, config.text("hidden_act", absent));
            return switch (name) {
                case "silu", "swish" -> Activation.SILU;
                case "gelu" -> Activation.GELU;
                case "gelu_pytorch_tanh", "gelu_new" -> Activation.GELU_TANH;
                default -> {
                    config.fault(
                            "%s = %s is not supported (supported: silu, gelu, gelu_pytorch_tanh)"
                                    .formatted(key, name));
                    yield Activation.SILU;
                }
            };
        }

        private NormPlan norms(int gainOffset, Placement placement) {
            return new NormPlan(config.number("rms_norm_eps", 1e-6), gainOffset, placement);
        }

        private Edges edges(
                double embeddingFactor,
                double residualFactor,
                double logitFactor,
                double logitCap) {
            return new Edges(
                    config.flag("tie_word_embeddings", false),
                    embeddingFactor,
                    residualFactor,
                    logitFactor,
                    logitCap);
        }
    }
}
