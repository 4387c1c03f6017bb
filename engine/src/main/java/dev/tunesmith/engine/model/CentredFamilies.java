package dev.tunesmith.engine.model;

import dev.tunesmith.engine.model.Architecture.Edges;
import dev.tunesmith.engine.model.Architecture.NormPlan.Kind;
import dev.tunesmith.engine.model.Architecture.NormPlan.Placement;
import dev.tunesmith.engine.model.Layout.Joining;
import dev.tunesmith.engine.model.Layout.Part;
import dev.tunesmith.engine.nn.AttentionShape;
import dev.tunesmith.engine.nn.AttentionShape.Bias;
import dev.tunesmith.engine.nn.AttentionShape.QueryKeyNorm;
import dev.tunesmith.engine.tensor.Bfloat16;
import java.util.List;
import java.util.stream.IntStream;

/// Families with LayerNorm: rows of mean 0.
final class CentredFamilies {

    private CentredFamilies() {}

    static Architecture gpt2(Reading reading) {
        ConfigReader config = reading.config();
        config.only("scale_attn_by_inverse_layer_idx", false);
        config.only("add_cross_attention", false);
        Architecture plain = reading.decoder(Bias.ALL, reading.plainMlp("gelu_new", true));
        return plain.with(unscaled(reading, plain))
                .with(reading.unturned(reading.size().contextLength(), List.of()))
                .with(reading.norms("layer_norm_epsilon", Placement.BEFORE, Kind.CENTRED))
                .with(Edges.plain(config.flag("tie_word_embeddings", true)))
                .with(
                        transformer()
                                .joined(Joining.SIDE_BY_SIDE, "attn.c_attn")
                                .turned()
                                .with(Part.EMBEDDING, "transformer.wte")
                                .with(Part.POSITIONS, "transformer.wpe")
                                .with(Part.ATTENTION_IN, "ln_1")
                                .with(Part.MLP_IN, "ln_2")
                                .with(Part.OUTPUT, "attn.c_proj")
                                .with(Part.UP, "mlp.c_fc")
                                .with(Part.DOWN, "mlp.c_proj"));
    }

    /// Names that GPT-2, BLOOM and Falcon share.
    private static Layout transformer() {
        return Layout.LLAMA
                .with(Part.EMBEDDING, "transformer.word_embeddings")
                .with(Part.LAYER, "transformer.h.%d.")
                .with(Part.LAST_NORM, "transformer.ln_f")
                .with(Part.OUTPUT, "self_attention.dense")
                .with(Part.UP, "mlp.dense_h_to_4h")
                .with(Part.DOWN, "mlp.dense_4h_to_h");
    }

    static Architecture gptNeox(Reading reading) {
        ConfigReader config = reading.config();
        boolean parallel = config.flag("use_parallel_residual", true);
        return reading.decoder(reading.bias("attention_bias", true), reading.plainMlp("gelu", true))
                .with(reading.everywhere(0, reading.rotary(Reading.THETA, 0.25)))
                .with(
                        reading.norms(
                                "layer_norm_eps",
                                parallel ? Placement.PARALLEL_EACH : Placement.BEFORE,
                                Kind.CENTRED))
                .with(
                        transformer()
                                .joined(Joining.GROUPED, "attention.query_key_value")
                                .with(Part.EMBEDDING, "gpt_neox.embed_in")
                                .with(Part.LAYER, "gpt_neox.layers.%d.")
                                .with(Part.LAST_NORM, "gpt_neox.final_layer_norm")
                                .with(Part.HEAD, "embed_out")
                                .with(Part.OUTPUT, "attention.dense"));
    }

    static Architecture phi(Reading reading) {
        ConfigReader config = reading.config();
        QueryKeyNorm norm =
                config.flag("qk_layernorm", false) ? QueryKeyNorm.PER_HEAD : QueryKeyNorm.NONE;
        boolean tied = config.flag("tie_word_embeddings", false);
        return reading.decoder(Bias.ALL, reading.plainMlp("gelu_new", true))
                .with(reading.attention(Bias.ALL, norm))
                .with(reading.everywhere(0, reading.rotary(Reading.THETA, 0.5)))
                .with(reading.norms("layer_norm_eps", Placement.PARALLEL, Kind.CENTRED))
                .with(new Edges(tied, 1, 1, 1, 0, true, false))
                .with(
                        Layout.LLAMA
                                .with(Part.OUTPUT, "self_attn.dense")
                                .with(Part.QUERY_NORM, "self_attn.q_layernorm")
                                .with(Part.KEY_NORM, "self_attn.k_layernorm")
                                .with(Part.UP, "mlp.fc1")
                                .with(Part.DOWN, "mlp.fc2")
                                .with(Part.LAST_NORM, "model.final_layernorm"));
    }

    static Architecture starcoder2(Reading reading) {
        ConfigReader config = reading.config();
        return reading.decoder(
                        reading.bias("use_bias", true),
                        reading.plainMlp("gelu_pytorch_tanh", config.flag("use_bias", true)))
                .with(
                        reading.everywhere(
                                reading.window("sliding_window"), reading.rotary(Reading.THETA)))
                .with(reading.norms("norm_epsilon", Placement.BEFORE, Kind.CENTRED))
                .with(Edges.plain(config.flag("tie_word_embeddings", true)))
                .with(Layout.LLAMA.with(Part.UP, "mlp.c_fc").with(Part.DOWN, "mlp.c_proj"));
    }

    static Architecture stablelm(Reading reading) {
        ConfigReader config = reading.config();
        Bias bias = config.flag("use_qkv_bias", false) ? Bias.QKV : Bias.NONE;
        QueryKeyNorm norm =
                config.flag("qk_layernorm", false) ? QueryKeyNorm.EACH_HEAD : QueryKeyNorm.NONE;
        boolean parallel = config.flag("use_parallel_residual", false);
        return reading.llama(bias)
                .with(reading.attention(bias, norm))
                .with(reading.everywhere(0, reading.rotary(Reading.THETA, 0.25)))
                .with(
                        reading.norms(
                                "layer_norm_eps",
                                parallel ? Placement.PARALLEL : Placement.BEFORE,
                                Kind.CENTRED))
                .with(
                        Layout.LLAMA
                                .with(Part.QUERY_NORM, "self_attn.q_layernorm.norms.%d")
                                .with(Part.KEY_NORM, "self_attn.k_layernorm.norms.%d"));
    }

    static Architecture cohere(Reading reading) {
        return cohere(reading, 500_000);
    }

    private static Architecture cohere(Reading reading, double theta) {
        ConfigReader config = reading.config();
        Bias bias = reading.bias("attention_bias", false);
        QueryKeyNorm norm =
                config.flag("use_qk_norm", false) ? QueryKeyNorm.EACH_HEAD : QueryKeyNorm.NONE;
        boolean tied = config.flag("tie_word_embeddings", true);
        return reading.llama(bias)
                .with(reading.attention(bias, norm))
                .with(reading.everywhere(0, reading.rotary(theta).neighbours()))
                .with(reading.norms("layer_norm_eps", Placement.PARALLEL, Kind.CENTRED_GAIN))
                .with(new Edges(tied, 1, 1, config.number("logit_scale", 0.0625), 0));
    }

    /// Layers with a window turn, the others have no positions.
    static Architecture cohere2(Reading reading) {
        ConfigReader config = reading.config();
        int window = config.size("sliding_window", 4096);
        int pattern = config.size("sliding_window_pattern", 4);
        List<Integer> windows_L =
                reading.windows_L(window, layer -> (layer + 1) % pattern == 0 ? 0 : window);
        return cohere(reading, Reading.THETA)
                .with(
                        reading.turning(
                                windows_L,
                                reading.rotary(Reading.THETA).neighbours(),
                                layer -> windows_L.get(layer) != 0));
    }

    /// Gains are stored minus one, the MLP squares what is positive.
    static Architecture nemotron(Reading reading) {
        ConfigReader config = reading.config();
        return reading.decoder(
                        reading.bias("attention_bias", false),
                        reading.plainMlp("relu2", config.flag("mlp_bias", false)))
                .with(reading.everywhere(0, reading.rotary(Reading.THETA, 0.5)))
                .with(
                        new Architecture.NormPlan(
                                config.number("norm_eps", 1e-5),
                                1,
                                Placement.BEFORE,
                                Kind.CENTRED));
    }

    static Architecture gptj(Reading reading) {
        ConfigReader config = reading.config();
        double share = (double) config.size("rotary_dim", 64) / reading.headWidth();
        return reading.decoder(Bias.NONE, reading.plainMlp("gelu_new", true))
                .with(reading.everywhere(0, reading.rotary(Reading.THETA, share).neighbours()))
                .with(reading.norms("layer_norm_epsilon", Placement.PARALLEL, Kind.CENTRED))
                .with(new Edges(config.flag("tie_word_embeddings", false), 1, 1, 1, 0, true, false))
                .with(
                        transformer()
                                .with(Part.EMBEDDING, "transformer.wte")
                                .with(Part.ATTENTION_IN, "ln_1")
                                .with(Part.QUERY, "attn.q_proj")
                                .with(Part.KEY, "attn.k_proj")
                                .with(Part.VALUE, "attn.v_proj")
                                .with(Part.OUTPUT, "attn.out_proj")
                                .with(Part.UP, "mlp.fc_in")
                                .with(Part.DOWN, "mlp.fc_out"));
    }

    /// StarCoder in its first form: one key head, or one for each.
    static Architecture gptBigCode(Reading reading) {
        ConfigReader config = reading.config();
        boolean single = config.flag("multi_query", true);
        Architecture plain = reading.decoder(Bias.ALL, reading.plainMlp("gelu_pytorch_tanh", true));
        int heads = plain.attention().heads();
        return plain.with(unscaled(reading, plain).withKeyHeads(single ? 1 : heads))
                .with(reading.unturned(reading.size().contextLength(), List.of()))
                .with(reading.norms("layer_norm_epsilon", Placement.BEFORE, Kind.CENTRED))
                .with(Edges.plain(config.flag("tie_word_embeddings", true)))
                .with(
                        transformer()
                                .joined(
                                        single ? Joining.SIDE_BY_SIDE : Joining.GROUPED,
                                        "attn.c_attn")
                                .with(Part.EMBEDDING, "transformer.wte")
                                .with(Part.POSITIONS, "transformer.wpe")
                                .with(Part.ATTENTION_IN, "ln_1")
                                .with(Part.MLP_IN, "ln_2")
                                .with(Part.OUTPUT, "attn.c_proj")
                                .with(Part.UP, "mlp.c_fc")
                                .with(Part.DOWN, "mlp.c_proj"));
    }

    /// Attention whose scores are not divided, if that is said.
    private static AttentionShape unscaled(Reading reading, Architecture plain) {
        AttentionShape shape = plain.attention();
        return reading.config().flag("scale_attn_weights", true)
                ? shape
                : Reading.scaled(shape, 1, 0);
    }

    static Architecture mpt(Reading reading) {
        ConfigReader config = reading.config();
        ConfigReader attention = config.child("attn_config");
        attention.only("attn_type", "multihead_attention");
        attention.only("alibi", true);
        attention.only("qk_ln", false);
        attention.only("prefix_lm", false);
        config.only("no_bias", true);
        int heads = config.size("num_attention_heads");
        Architecture plain = reading.decoder(Bias.NONE, reading.plainMlp("gelu", false));
        double scale = attention.number("softmax_scale", plain.attention().scale());
        return plain.with(
                        Reading.scaled(plain.attention(), scale, 0)
                                .withClip(attention.number("clip_qkv", 0.0)))
                .with(
                        reading.unturned(
                                0, mptSlopes_H(heads, attention.number("alibi_bias_max", 8.0))))
                .with(reading.norms("layer_norm_epsilon", Placement.BEFORE, Kind.CENTRED_GAIN))
                .with(Edges.plain(config.flag("tie_word_embeddings", true)))
                .with(
                        transformer()
                                .joined(Joining.SIDE_BY_SIDE, "attn.Wqkv")
                                .with(Part.EMBEDDING, "transformer.wte")
                                .with(Part.LAYER, "transformer.blocks.%d.")
                                .with(Part.LAST_NORM, "transformer.norm_f")
                                .with(Part.ATTENTION_IN, "norm_1")
                                .with(Part.MLP_IN, "norm_2")
                                .with(Part.OUTPUT, "attn.out_proj")
                                .with(Part.UP, "ffn.up_proj")
                                .with(Part.DOWN, "ffn.down_proj"));
    }

    /// Slopes of a power of two of heads, of which every second one comes first where there are
    /// fewer.
    private static List<Double> mptSlopes_H(int heads, double most) {
        int whole =
                heads == Integer.highestOneBit(heads) ? heads : 2 * Integer.highestOneBit(heads);
        List<Double> all =
                IntStream.rangeClosed(1, whole)
                        .mapToObj(i -> Math.pow(2, -i * most / whole))
                        .toList();
        if (whole == heads) {
            return all;
        }
        return IntStream.range(0, heads)
                .mapToObj(h -> all.get(h < whole / 2 ? 2 * h + 1 : 2 * (h - whole / 2)))
                .toList();
    }

    /// Positions begin in row 2 of their table.
    static Architecture opt(Reading reading) {
        ConfigReader config = reading.config();
        config.only("do_layer_norm_before", true);
        config.only("_remove_final_layer_norm", false);
        config.only("word_embed_proj_dim", reading.size().width());
        config.only("layer_norm_elementwise_affine", true);
        boolean bias = config.flag("enable_bias", true);
        return reading.decoder(bias ? Bias.ALL : Bias.NONE, reading.plainMlp("relu", bias))
                .with(reading.unturned(reading.size().contextLength(), 2, List.of()))
                .with(reading.norms("layer_norm_eps", Placement.BEFORE, Kind.CENTRED))
                .with(Edges.plain(config.flag("tie_word_embeddings", true)))
                .with(
                        Layout.LLAMA
                                .under("model.decoder.")
                                .with(Part.LAST_NORM, "model.decoder.final_layer_norm")
                                .with(Part.ATTENTION_IN, "self_attn_layer_norm")
                                .with(Part.MLP_IN, "final_layer_norm")
                                .with(Part.OUTPUT, "self_attn.out_proj")
                                .with(Part.UP, "fc1")
                                .with(Part.DOWN, "fc2"));
    }

    static Architecture bloom(Reading reading) {
        ConfigReader config = reading.config();
        config.only("apply_residual_connection_post_layernorm", false);
        boolean tied = config.flag("tie_word_embeddings", true);
        int heads = config.size("num_attention_heads");
        return reading.decoder(Bias.ALL, reading.plainMlp("gelu_new", true))
                .with(reading.unturned(0, slopes_H(heads)))
                .with(reading.norms("layer_norm_epsilon", Placement.BEFORE, Kind.CENTRED))
                .with(new Edges(tied, 1, 1, 1, 0, false, true))
                .with(
                        transformer()
                                .joined(Joining.GROUPED, "self_attention.query_key_value")
                                .with(
                                        Part.EMBEDDING_NORM,
                                        "transformer.word_embeddings_layernorm"));
    }

    static Architecture falcon(Reading reading) {
        ConfigReader config = reading.config();
        boolean grouped = config.flag("new_decoder_architecture", false);
        boolean single = !grouped && config.flag("multi_query", true);
        Architecture plain =
                reading.decoder(
                                reading.bias("bias", false),
                                reading.plainMlp("gelu", config.flag("bias", false)))
                        .with(falconNorms(reading, grouped))
                        .with(Edges.plain(config.flag("tie_word_embeddings", true)))
                        .with(
                                transformer()
                                        .joined(
                                                single ? Joining.SIDE_BY_SIDE : Joining.GROUPED,
                                                "self_attention.query_key_value"));
        Architecture shared = single ? plain.with(plain.attention().withKeyHeads(1)) : plain;
        if (grouped && config.size("num_ln_in_parallel_attn", 2) == 2) {
            shared =
                    shared.with(
                            shared.layout()
                                    .with(Part.ATTENTION_IN, "ln_attn")
                                    .with(Part.MLP_IN, "ln_mlp"));
        }
        if (!config.flag("alibi", false)) {
            return shared;
        }
        // The reference rounds slopes to bfloat16 and scales them as it scales scores.
        double scale = shared.attention().scale();
        return shared.with(
                reading.unturned(
                        0,
                        slopes_H(shared.attention().heads()).stream()
                                .map(slope ->
                                        Bfloat16.toFloat(Bfloat16.of(slope.floatValue())) * scale)
                                .toList()));
    }

    private static Architecture.NormPlan falconNorms(Reading reading, boolean grouped) {
        ConfigReader config = reading.config();
        boolean parallel = config.flag("parallel_attn", true);
        boolean two = config.size("num_ln_in_parallel_attn", grouped ? 2 : 1) == 2;
        if (grouped ? !parallel : parallel && two) {
            config.fault(
                    "parallel_attn = %s and num_ln_in_parallel_attn do not go with new_decoder_architecture = %s"
                            .formatted(parallel, grouped));
        }
        Placement placement = parallel ? Placement.PARALLEL : Placement.BEFORE;
        return reading.norms(
                "layer_norm_epsilon",
                grouped && two ? Placement.PARALLEL_EACH : placement,
                Kind.CENTRED);
    }

    /// Slopes of ALiBi: a geometric row for the largest power of two below the number of heads, and
    /// every other one of the next row for the rest.
    static List<Double> slopes_H(int heads) {
        int whole = Integer.highestOneBit(heads);
        double ratio = Math.pow(2, -8.0 / whole);
        double finer = Math.pow(2, -4.0 / whole);
        return IntStream.range(0, heads)
                .mapToObj(h ->
                        h < whole ? Math.pow(ratio, h + 1) : Math.pow(finer, 2 * (h - whole) + 1))
                .toList();
    }
}
