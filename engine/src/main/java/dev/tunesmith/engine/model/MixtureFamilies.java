package dev.tunesmith.engine.model;

import dev.tunesmith.engine.model.Architecture.Experts;
import dev.tunesmith.engine.model.Architecture.Shared;
import dev.tunesmith.engine.model.Layout.Part;
import dev.tunesmith.engine.nn.AttentionShape;
import dev.tunesmith.engine.nn.AttentionShape.Bias;
import dev.tunesmith.engine.nn.AttentionShape.Latent;
import dev.tunesmith.engine.nn.AttentionShape.QueryKeyNorm;
import dev.tunesmith.engine.nn.GatedMlp;
import dev.tunesmith.engine.nn.MixtureMlp.Groups;
import dev.tunesmith.engine.nn.MixtureMlp.Scoring;
import dev.tunesmith.engine.nn.position.Rotary;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;

/// Families with mixtures of experts.
final class MixtureFamilies {

    private MixtureFamilies() {}

    static Architecture mixtral(Reading reading) {
        ConfigReader config = reading.config();
        Architecture dense = LlamaFamilies.mistral(reading);
        return dense.with(
                        new Experts(
                                config.size("num_local_experts", 8),
                                dense.mlp().width(),
                                Set.of(),
                                Scoring.softmax(config.size("num_experts_per_tok", 2), true),
                                Optional.empty()))
                .with(
                        Layout.LLAMA
                                .with(Part.ROUTER, "block_sparse_moe.gate")
                                .with(Part.EXPERT, "block_sparse_moe.experts.%d.")
                                .with(Part.EXPERT_GATE, "w1")
                                .with(Part.EXPERT_UP, "w3")
                                .with(Part.EXPERT_DOWN, "w2"));
    }

    /// Granite with experts in two tensors a layer.
    static Architecture graniteMoe(Reading reading) {
        ConfigReader config = reading.config();
        Architecture dense = LlamaFamilies.granite(reading);
        return dense.with(
                        new Experts(
                                config.size("num_local_experts", 8),
                                dense.mlp().width(),
                                Set.of(),
                                Scoring.softmax(config.size("num_experts_per_tok", 2), true),
                                Optional.empty()))
                .with(
                        Layout.LLAMA
                                .with(Part.ROUTER, "block_sparse_moe.router.layer")
                                .with(Part.EXPERTS_GATE_UP, "block_sparse_moe.input_linear.weight")
                                .with(Part.EXPERTS_DOWN, "block_sparse_moe.output_linear.weight"));
    }

    /// Sinks in the softmax, windows in every second layer, limits inside of experts.
    static Architecture gptOss(Reading reading) {
        ConfigReader config = reading.config();
        int window = config.size("sliding_window", 128);
        Bias bias = reading.bias("attention_bias", true);
        Architecture dense = reading.llama(bias);
        return dense.with(
                        reading.turning(
                                reading.windows_L(window, layer -> layer % 2 == 0 ? window : 0),
                                reading.rotary(150_000),
                                _ -> true))
                .with(
                        new Experts(
                                config.size("num_local_experts", 128),
                                dense.mlp().width(),
                                Set.of(),
                                Scoring.softmax(config.size("num_experts_per_tok", 4), true),
                                Optional.empty(),
                                Optional.of(
                                        new GatedMlp.Clamp(
                                                config.number("swiglu_limit", 7.0),
                                                config.number("swiglu_alpha", 1.702)))))
                .with(
                        Layout.LLAMA
                                .with(Part.SINKS, "self_attn.sinks")
                                .with(Part.ROUTER, "mlp.router"));
    }

    /// Every expert of every layer as wide as an MLP, and one that every token passes.
    static Architecture hunyuanMoe(Reading reading) {
        ConfigReader config = reading.config();
        Architecture dense = LlamaFamilies.hunyuan(reading);
        int width = dense.mlp().width();
        return dense.with(
                        new Experts(
                                config.same("num_experts", 1),
                                width,
                                Set.of(),
                                Scoring.softmax(config.same("num_experts_per_tok", 1), true),
                                Optional.of(new Shared(width, false))))
                .with(
                        dense.layout()
                                .with(Part.ROUTER, "mlp.gate.wg")
                                .with(Part.SHARED, "mlp.shared_mlp."));
    }

    /// Choices of a softmax are corrected, and layers without a mixture stand on both ends.
    static Architecture ernie45Moe(Reading reading) {
        ConfigReader config = reading.config();
        int last = config.integer("moe_layer_end_index", -1);
        int end = last < 0 ? reading.size().layers() - 1 : last;
        int start = config.integer("moe_layer_start_index", 1);
        int interval = config.size("moe_layer_interval", 1);
        int width = config.size("moe_intermediate_size", 1536);
        int shared = config.integer("moe_num_shared_experts", 2);
        return LlamaFamilies.ernie45(reading)
                .with(
                        new Experts(
                                config.size("num_experts", 64),
                                width,
                                new TreeSet<>(
                                        IntStream.range(0, reading.size().layers())
                                                .filter(layer ->
                                                        (layer + 1) % interval != 0
                                                                || layer < start
                                                                || layer > end)
                                                .boxed()
                                                .toList()),
                                new Scoring(
                                        config.size("num_experts_per_tok", 6),
                                        true,
                                        1,
                                        Groups.NONE,
                                        false,
                                        true),
                                shared == 0
                                        ? Optional.empty()
                                        : Optional.of(new Shared(width * shared, false))))
                .with(
                        Layout.LLAMA
                                .with(Part.SHARED, "mlp.shared_experts.")
                                .with(Part.CORRECTION, "mlp.moe_statics.e_score_correction_bias"));
    }

    static Architecture qwen2Moe(Reading reading) {
        ConfigReader config = reading.config();
        Bias bias = config.flag("qkv_bias", true) ? Bias.QKV : Bias.NONE;
        int window =
                config.flag("use_sliding_window", false) ? config.size("sliding_window", 4096) : 0;
        int below = config.size("max_window_layers", 28);
        List<Integer> windows_L =
                reading.windows_L(window, layer -> layer % 2 == 0 && layer < below ? window : 0);
        Shared shared = new Shared(config.size("shared_expert_intermediate_size", 5632), true);
        return reading.llama(bias)
                .with(reading.turning(windows_L, reading.rotary(Reading.THETA), _ -> true))
                .with(experts(reading, 60, 4, 1408).with(shared));
    }

    static Architecture qwen3Moe(Reading reading) {
        ConfigReader config = reading.config();
        int window =
                config.flag("use_sliding_window", false) ? config.size("sliding_window", 4096) : 0;
        // Unlike its dense relative it has the window in all layers.
        return LlamaFamilies.qwen3(reading)
                .with(reading.everywhere(window, reading.rotary(Reading.THETA)))
                .with(experts(reading, 128, 8, 768));
    }

    static Architecture olmoe(Reading reading) {
        ConfigReader config = reading.config();
        Bias bias = reading.bias("attention_bias", false);
        return reading.llama(bias)
                .with(
                        reading.attention(bias, QueryKeyNorm.WHOLE)
                                .withClip(config.number("clip_qkv", 0.0)))
                .with(experts(reading, 64, 8, config.size("intermediate_size", 2048)));
    }

    static Architecture deepseekV2(Reading reading) {
        ConfigReader config = reading.config();
        boolean limited = config.text("topk_method", "greedy").equals("group_limited_greedy");
        config.only("topk_method", "greedy", "group_limited_greedy");
        Groups groups =
                limited
                        ? new Groups(config.size("n_group"), config.size("topk_group"), 1)
                        : Groups.NONE;
        Scoring scoring =
                new Scoring(
                        config.size("num_experts_per_tok"),
                        false,
                        config.number("routed_scaling_factor", 1.0),
                        groups,
                        false);
        return latent(reading, true)
                .with(reading.mlp("silu", config.flag("mlp_bias", false)))
                .with(deepseekExperts(reading, scoring, 0, 2));
    }

    static Architecture deepseekV3(Reading reading) {
        ConfigReader config = reading.config();
        Scoring scoring =
                new Scoring(
                        config.size("num_experts_per_tok", 8),
                        config.flag("norm_topk_prob", true),
                        config.number("routed_scaling_factor", 2.5),
                        new Groups(config.size("n_group", 8), config.size("topk_group", 4), 2),
                        true);
        return latent(reading, config.flag("rope_interleave", true))
                .with(deepseekExperts(reading, scoring, 3, 1));
    }

    /// Attention of Qwen 3, experts of DeepSeek-V3.
    static Architecture dots1(Reading reading) {
        ConfigReader config = reading.config();
        int window = reading.window("sliding_window");
        int below = config.size("max_window_layers", 62);
        Bias bias = reading.bias("attention_bias", false);
        return reading.llama(bias)
                .with(reading.attention(bias, QueryKeyNorm.PER_HEAD))
                .with(
                        reading.turning(
                                reading.windows_L(window, layer -> layer >= below ? window : 0),
                                reading.rotary(Reading.THETA),
                                _ -> true))
                .with(sigmoidExperts(reading, false, 1, 0))
                .with(Layout.LLAMA.with(Part.SHARED, "mlp.shared_experts."));
    }

    /// GLM 4.5: half of a head turns, experts of DeepSeek-V3.
    static Architecture glm4Moe(Reading reading) {
        ConfigReader config = reading.config();
        Bias bias = config.flag("attention_bias", false) ? Bias.QKV : Bias.NONE;
        QueryKeyNorm norm =
                config.flag("use_qk_norm", false) ? QueryKeyNorm.PER_HEAD : QueryKeyNorm.NONE;
        return reading.llama(bias)
                .with(reading.attention(bias, norm))
                .with(reading.everywhere(0, reading.rotary(Reading.THETA, 0.5)))
                .with(sigmoidExperts(reading, true, 1, 1))
                .with(Layout.LLAMA.with(Part.SHARED, "mlp.shared_experts."));
    }

    private static Experts sigmoidExperts(
            Reading reading, boolean normalised, double factor, int denseDefault) {
        ConfigReader config = reading.config();
        Scoring scoring =
                new Scoring(
                        config.size("num_experts_per_tok", 8),
                        config.flag("norm_topk_prob", normalised),
                        config.number("routed_scaling_factor", factor),
                        new Groups(config.size("n_group", 1), config.size("topk_group", 1), 2),
                        true);
        return deepseekExperts(reading, scoring, denseDefault, 1);
    }

    /// Query, key and value through latent rows.
    private static Architecture latent(Reading reading, boolean neighbours) {
        ConfigReader config = reading.config();
        int plain = config.size("qk_nope_head_dim", 128);
        int turning = config.size("qk_rope_head_dim", 64);
        Latent latent =
                new Latent(
                        config.has("q_lora_rank") ? config.size("q_lora_rank") : 0,
                        config.size("kv_lora_rank", 512),
                        plain,
                        turning,
                        config.size("v_head_dim", 128));
        int heads = config.size("num_attention_heads");
        AttentionShape shape =
                new AttentionShape(
                        heads,
                        heads,
                        Math.max(plain + turning, latent.value()),
                        scale(reading) / Math.sqrt(plain + turning),
                        0,
                        QueryKeyNorm.NONE,
                        reading.bias("attention_bias", false),
                        latent);
        Rotary rotary =
                new RotaryConfig(config, reading.size().contextLength())
                        .read(turning, Reading.THETA);
        return reading.llama(Bias.NONE)
                .with(shape)
                .with(reading.everywhere(0, neighbours ? rotary.neighbours() : rotary))
                .with(Layout.LLAMA.with(Part.SHARED, "mlp.shared_experts."));
    }

    /// With stretched positions, scores are sharpened too.
    private static double scale(Reading reading) {
        ConfigReader config = reading.config();
        ConfigReader parameters = config.child("rope_parameters");
        ConfigReader rope = parameters.isEmpty() ? config.child("rope_scaling") : parameters;
        String kind = rope.text("rope_type", rope.text("type", "default"));
        double all = rope.number("mscale_all_dim", 0.0);
        if (kind.equals("default") || all == 0) {
            return 1;
        }
        double temperature = RotaryConfig.temperature(rope.number("factor", 1.0), all);
        return temperature * temperature;
    }

    private static Experts deepseekExperts(
            Reading reading, Scoring scoring, int denseDefault, int sharedDefault) {
        ConfigReader config = reading.config();
        config.only("moe_layer_freq", 1);
        int dense = config.integer("first_k_dense_replace", denseDefault);
        int width = config.size("moe_intermediate_size", 1407);
        int count = config.size("n_routed_experts", config.size("num_experts", 64));
        if (count % scoring.groups().count() != 0) {
            config.fault(
                    "n_routed_experts = %d is no multiple of n_group = %d"
                            .formatted(count, scoring.groups().count()));
        }
        return new Experts(
                count,
                width,
                new TreeSet<>(IntStream.range(0, dense).boxed().toList()),
                scoring,
                Optional.of(
                        new Shared(width * config.size("n_shared_experts", sharedDefault), false)));
    }

    private static Experts experts(Reading reading, int count, int chosen, int width) {
        ConfigReader config = reading.config();
        int step = config.size("decoder_sparse_step", 1);
        Set<Integer> dense = new TreeSet<>(config.integers("mlp_only_layers"));
        IntStream.range(0, reading.size().layers())
                .filter(layer -> (layer + 1) % step != 0)
                .forEach(dense::add);
        String key = config.has("num_local_experts") ? "num_local_experts" : "num_experts";
        return new Experts(
                config.size(key, count),
                config.size("moe_intermediate_size", width),
                dense,
                Scoring.softmax(
                        config.size("num_experts_per_tok", chosen),
                        config.flag("norm_topk_prob", false)),
                Optional.empty());
    }
}
