package dev.tunesmith.engine.model;

import dev.tunesmith.engine.model.Architecture.Edges;
import dev.tunesmith.engine.model.Architecture.NormPlan;
import dev.tunesmith.engine.model.Architecture.NormPlan.Placement;
import dev.tunesmith.engine.model.Architecture.Positions;
import dev.tunesmith.engine.model.Layout.Joining;
import dev.tunesmith.engine.model.Layout.Part;
import dev.tunesmith.engine.nn.AttentionShape.Bias;
import dev.tunesmith.engine.nn.AttentionShape.QueryKeyNorm;
import dev.tunesmith.engine.nn.position.RopeScaling;
import dev.tunesmith.engine.nn.position.Rotary;
import java.util.List;

/// Dense families close to Llama: root-mean-square norms, rotary positions, a gated MLP.
final class LlamaFamilies {

    private static final int BAICHUAN2_VOCABULARY = 125_696;
    private static final double OLMO3_THETA = 500_000;

    private LlamaFamilies() {}

    static Architecture llama(Reading reading) {
        reading.config().only("pretraining_tp", 1);
        return reading.llama(reading.bias("attention_bias", false))
                .with(reading.mlp("silu", reading.config().flag("mlp_bias", false)));
    }

    static Architecture mistral(Reading reading) {
        return reading.llama(Bias.NONE)
                .with(
                        reading.everywhere(
                                reading.window("sliding_window"), reading.rotary(Reading.THETA)));
    }

    /// Mistral with windows only in some layers.
    static Architecture ministral(Reading reading) {
        int window = reading.window("sliding_window");
        return reading.llama(Bias.NONE)
                .with(
                        reading.turning(
                                reading.windows_L(window, _ -> window),
                                reading.rotary(Reading.THETA),
                                _ -> true));
    }

    static Architecture phi3(Reading reading) {
        return reading.llama(Bias.NONE)
                .with(
                        reading.everywhere(
                                reading.window("sliding_window"), reading.rotary(Reading.THETA, 1)))
                .with(
                        Layout.LLAMA
                                .joined(Joining.SIDE_BY_SIDE, "self_attn.qkv_proj")
                                .gateUpJoined("mlp.gate_up_proj"));
    }

    static Architecture qwen2(Reading reading) {
        return windowed(reading, reading.llama(Bias.QKV));
    }

    static Architecture qwen3(Reading reading) {
        Bias bias = reading.bias("attention_bias", false);
        return windowed(reading, reading.llama(bias))
                .with(reading.attention(bias, QueryKeyNorm.PER_HEAD));
    }

    /// Layers above some number have a window.
    private static Architecture windowed(Reading reading, Architecture llama) {
        ConfigReader config = reading.config();
        int window =
                config.flag("use_sliding_window", false) ? config.size("sliding_window", 4096) : 0;
        int fullLayers = config.size("max_window_layers", 28);
        List<Integer> windows_L =
                reading.windows_L(window, layer -> layer >= fullLayers ? window : 0);
        return llama.with(reading.turning(windows_L, reading.rotary(Reading.THETA), _ -> true));
    }

    static Architecture olmo(Reading reading) {
        Architecture llama = reading.llama(reading.bias("attention_bias", false));
        return llama.with(llama.attention().withClip(reading.config().number("clip_qkv", 0.0)))
                .with(new NormPlan(1e-5, 0, Placement.BEFORE, NormPlan.Kind.CENTRED_BARE));
    }

    static Architecture olmo2(Reading reading) {
        Bias bias = reading.bias("attention_bias", false);
        return reading.llama(bias)
                .with(reading.attention(bias, QueryKeyNorm.WHOLE))
                .with(reading.norms(0, Placement.AFTER));
    }

    /// OLMo 2 with windows, whose layers do not stretch their positions.
    static Architecture olmo3(Reading reading) {
        int window = reading.config().size("sliding_window", 4096);
        List<Integer> windows_L =
                reading.windows_L(window, layer -> (layer + 1) % 4 == 0 ? 0 : window);
        List<Integer> rotaryOf_L = windows_L.stream().map(w -> w == 0 ? 0 : 1).toList();
        return olmo2(reading)
                .with(new Positions(windows_L, reading.rotaries(OLMO3_THETA), rotaryOf_L));
    }

    /// Norms behind, norms of heads; where some layers have windows, the others do not turn.
    static Architecture exaone4(Reading reading) {
        ConfigReader config = reading.config();
        int window = reading.window("sliding_window");
        int pattern = config.integer("sliding_window_pattern", 4);
        List<Integer> windows_L =
                reading.windows_L(
                        window,
                        layer ->
                                window == 0 || (layer + 1) % Math.max(1, pattern) == 0
                                        ? 0
                                        : window);
        return reading.llama(Bias.NONE)
                .with(reading.attention(Bias.NONE, QueryKeyNorm.PER_HEAD))
                .with(
                        reading.turning(
                                windows_L,
                                reading.rotary(Reading.THETA),
                                layer -> window == 0 || windows_L.get(layer) != 0))
                .with(reading.norms(0, Placement.AFTER));
    }

    static Architecture helium(Reading reading) {
        ConfigReader config = reading.config();
        Bias bias = config.flag("attention_bias", false) ? Bias.QKV : Bias.NONE;
        return reading.decoder(bias, reading.mlp("silu", config.flag("mlp_bias", false)))
                .with(reading.everywhere(0, reading.rotary(100_000).neighbours()));
    }

    static Architecture ernie45(Reading reading) {
        ConfigReader config = reading.config();
        boolean bias = config.flag("use_bias", false);
        return reading.decoder(bias ? Bias.ALL : Bias.NONE, reading.mlp("silu", bias))
                .with(reading.everywhere(0, reading.rotary(OLMO3_THETA).neighbours()))
                .with(Edges.plain(config.flag("tie_word_embeddings", true)));
    }

    static Architecture seedOss(Reading reading) {
        ConfigReader config = reading.config();
        boolean out = config.flag("attention_out_bias", false);
        boolean in = config.flag("attention_bias", true);
        if (out && !in) {
            config.fault("attention_out_bias without attention_bias is not supported");
        }
        return reading.decoder(
                out ? Bias.ALL : in ? Bias.QKV : Bias.NONE,
                reading.mlp("silu", config.flag("mlp_bias", false)));
    }

    /// Heads are normalised behind the rotation.
    static Architecture hunyuan(Reading reading) {
        ConfigReader config = reading.config();
        Bias bias = reading.bias("attention_bias", false);
        return llama(reading)
                .with(reading.attention(bias, QueryKeyNorm.PER_TURNED_HEAD))
                .with(reading.everywhere(0, hunyuanRotary(reading, config)))
                .with(
                        Layout.LLAMA
                                .with(Part.QUERY_NORM, "self_attn.query_layernorm")
                                .with(Part.KEY_NORM, "self_attn.key_layernorm"));
    }

    /// What is called dynamic and has an `alpha` is another base for all lengths.
    private static Rotary hunyuanRotary(Reading reading, ConfigReader config) {
        ConfigReader parameters = config.child("rope_parameters");
        ConfigReader rope = parameters.isEmpty() ? config.child("rope_scaling") : parameters;
        if (!rope.has("alpha")
                || !rope.text("rope_type", rope.text("type", "default")).equals("dynamic")) {
            return reading.rotary(Reading.THETA);
        }
        int width = reading.headWidth();
        double theta =
                rope.has("rope_theta")
                        ? rope.number("rope_theta", Reading.THETA)
                        : config.number("rope_theta", Reading.THETA);
        double stretch = Math.pow(rope.number("alpha", 1.0), width / (width - 2.0));
        return new Rotary(width, theta * stretch, new RopeScaling.Plain());
    }

    /// Norms of heads, an MLP without a gate whose non-linearity learns.
    static Architecture apertus(Reading reading) {
        Bias bias = reading.bias("attention_bias", false);
        reading.config().only("hidden_act", "xielu");
        return reading.decoder(bias, reading.plainMlp("xielu", false))
                .with(reading.attention(bias, QueryKeyNorm.PER_HEAD))
                .with(
                        Layout.LLAMA
                                .with(Part.ATTENTION_IN, "attention_layernorm")
                                .with(Part.MLP_IN, "feedforward_layernorm"));
    }

    /// Llama with an MLP without a gate.
    static Architecture arcee(Reading reading) {
        return reading.decoder(
                reading.bias("attention_bias", false),
                reading.plainMlp("relu2", reading.config().flag("mlp_bias", false)));
    }

    static Architecture granite(Reading reading) {
        ConfigReader config = reading.config();
        Architecture llama = llama(reading);
        return llama.with(
                        Reading.scaled(
                                llama.attention(), config.number("attention_multiplier", 1.0), 0))
                .with(
                        new Edges(
                                llama.edges().tied(),
                                config.number("embedding_multiplier", 1.0),
                                config.number("residual_multiplier", 1.0),
                                1 / config.number("logits_scaling", 1.0),
                                0));
    }

    static Architecture smollm3(Reading reading) {
        ConfigReader config = reading.config();
        int interval = config.size("no_rope_layer_interval", 4);
        List<Integer> turns = config.integers("no_rope_layers");
        int window =
                config.flag("use_sliding_window", false) ? reading.window("sliding_window") : 0;
        List<Integer> windows_L =
                reading.windows_L(window, layer -> turns(turns, interval, layer) ? 0 : window);
        if (window == 0) {
            windows_L = reading.zeros();
        }
        return llama(reading)
                .with(
                        reading.turning(
                                windows_L,
                                reading.rotary(2_000_000),
                                layer -> turns(turns, interval, layer)))
                .with(Edges.plain(config.flag("tie_word_embeddings", true)));
    }

    private static boolean turns(List<Integer> turns, int interval, int layer) {
        return layer < turns.size() ? turns.get(layer) != 0 : (layer + 1) % interval != 0;
    }

    static Architecture glm(Reading reading) {
        Bias bias = reading.config().flag("attention_bias", true) ? Bias.QKV : Bias.NONE;
        return reading.llama(bias)
                .with(reading.everywhere(0, reading.rotary(Reading.THETA, 0.5).neighbours()))
                .with(Layout.LLAMA.gateUpJoined("mlp.gate_up_proj"));
    }

    static Architecture glm4(Reading reading) {
        Architecture glm = glm(reading);
        return glm.with(reading.norms(0, Placement.AROUND))
                .with(
                        glm.layout()
                                .with(Part.ATTENTION_OUT, "post_self_attn_layernorm")
                                .with(Part.MLP_OUT, "post_mlp_layernorm"));
    }

    static Architecture internlm2(Reading reading) {
        return reading.llama(reading.bias("bias", false))
                .with(
                        Layout.LLAMA
                                .joined(Joining.GROUPED, "attention.wqkv")
                                .with(Part.EMBEDDING, "model.tok_embeddings")
                                .with(Part.HEAD, "output")
                                .with(Part.ATTENTION_IN, "attention_norm")
                                .with(Part.MLP_IN, "ffn_norm")
                                .with(Part.OUTPUT, "attention.wo")
                                .with(Part.GATE, "feed_forward.w1")
                                .with(Part.UP, "feed_forward.w3")
                                .with(Part.DOWN, "feed_forward.w2"));
    }

    /// The small one turns; the large one, whose configuration has no `max_position_embeddings`,
    /// has slopes. The second generation, which alone has a `z_loss_weight`, brings the rows of its
    /// head to length 1.
    static Architecture baichuan(Reading reading) {
        ConfigReader config = reading.config();
        boolean second =
                reading.size().vocabulary() == BAICHUAN2_VOCABULARY || config.has("z_loss_weight");
        Architecture llama =
                reading.llama(Bias.NONE)
                        .with(Layout.LLAMA.joined(Joining.SIDE_BY_SIDE, "self_attn.W_pack"));
        Architecture headed = second ? llama.with(llama.edges().withUnitHead()) : llama;
        return config.has("max_position_embeddings")
                ? headed
                : headed.with(
                        reading.unturned(0, CentredFamilies.slopes_H(llama.attention().heads())));
    }

    /// ChatGLM 2 and 3, and GLM-4 in its first form.
    static Architecture chatglm(Reading reading) {
        ConfigReader config = reading.config();
        config.only("rmsnorm", true);
        config.only("add_bias_linear", false);
        config.only("apply_residual_connection_post_layernorm", false);
        config.only("post_layer_norm", true);
        config.only("multi_query_attention", true);
        config.only("original_rope", true);
        Bias bias = config.flag("add_qkv_bias", false) ? Bias.QKV : Bias.NONE;
        double theta = Reading.THETA * config.number("rope_ratio", 1.0);
        return reading.llama(bias)
                .with(reading.everywhere(0, reading.rotary(theta, 0.5).neighbours()))
                .with(
                        Layout.LLAMA
                                .joined(Joining.SIDE_BY_SIDE, "self_attention.query_key_value")
                                .gateUpJoined("mlp.dense_h_to_4h")
                                .with(Part.EMBEDDING, "transformer.embedding.word_embeddings")
                                .with(Part.LAYER, "transformer.encoder.layers.%d.")
                                .with(Part.LAST_NORM, "transformer.encoder.final_layernorm")
                                .with(Part.HEAD, "transformer.output_layer")
                                .with(Part.OUTPUT, "self_attention.dense")
                                .with(Part.DOWN, "mlp.dense_4h_to_h"));
    }

    /// The library calls the biases `attention_bias` and `mlp_bias`, the original `qkv_bias` and
    /// `bias`.
    static Architecture internlm3(Reading reading) {
        ConfigReader config = reading.config();
        boolean bias = config.flag("mlp_bias", false);
        if (config.flag("attention_bias", false) != bias) {
            config.fault("qkv_bias different from bias is not supported");
        }
        return llama(reading);
    }
}
