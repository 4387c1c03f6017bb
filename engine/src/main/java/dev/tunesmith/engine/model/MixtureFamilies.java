package dev.tunesmith.engine.model;

import dev.tunesmith.engine.model.Architecture.Experts;
import dev.tunesmith.engine.model.Architecture.Shared;
import dev.tunesmith.engine.model.Layout.Part;
import dev.tunesmith.engine.nn.AttentionShape.Bias;
import dev.tunesmith.engine.nn.AttentionShape.QueryKeyNorm;
import dev.tunesmith.engine.nn.MixtureMlp.Scoring;
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
        return LlamaFamilies.qwen3(reading).with(experts(reading, 128, 8, 768));
    }

    static Architecture olmoe(Reading reading) {
        ConfigReader config = reading.config();
        config.only("clip_qkv", "null");
        Bias bias = reading.bias("attention_bias", false);
        return reading.llama(bias)
                .with(reading.attention(bias, QueryKeyNorm.WHOLE))
                .with(experts(reading, 64, 8, config.size("intermediate_size", 2048)));
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
