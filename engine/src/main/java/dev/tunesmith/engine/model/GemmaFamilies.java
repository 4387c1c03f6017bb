package dev.tunesmith.engine.model;

import dev.tunesmith.engine.model.Architecture.Edges;
import dev.tunesmith.engine.model.Architecture.Mlp;
import dev.tunesmith.engine.model.Architecture.NormPlan.Placement;
import dev.tunesmith.engine.model.Architecture.Positions;
import dev.tunesmith.engine.model.Layout.Part;
import dev.tunesmith.engine.nn.Activation;
import dev.tunesmith.engine.nn.AttentionShape;
import dev.tunesmith.engine.nn.AttentionShape.QueryKeyNorm;
import dev.tunesmith.engine.nn.position.RopeScaling;
import dev.tunesmith.engine.nn.position.Rotary;
import java.util.List;

/// The Gemma family: gains stored minus one, embeddings times the root of the width, tied tables.
final class GemmaFamilies {

    private GemmaFamilies() {}

    static Architecture gemma(Reading reading) {
        ConfigReader config = reading.config();
        config.only("use_bidirectional_attention", false);
        // Old configurations say `gelu` and mean the tanh form.
        boolean said = config.has("hidden_activation");
        Activation activation =
                said
                        ? reading.activation("hidden_activation", "gelu_pytorch_tanh")
                        : reading.activation("hidden_act", "gelu_pytorch_tanh");
        if (!said && activation == Activation.GELU) {
            activation = Activation.GELU_TANH;
        }
        return reading.llama(reading.bias("attention_bias", false))
                .with(new Mlp(config.size("intermediate_size"), activation, false))
                .with(reading.norms(1, Placement.BEFORE))
                .with(edges(reading, 0));
    }

    static Architecture gemma2(Reading reading) {
        int window = reading.config().size("sliding_window", 4096);
        List<Integer> windows_L = reading.windows_L(window, layer -> layer % 2 == 0 ? window : 0);
        return around(
                reading,
                QueryKeyNorm.NONE,
                cap(reading.config(), "attn_logit_softcapping"),
                reading.turning(windows_L, reading.rotary(Reading.THETA), _ -> true));
    }

    /// Whatever its configuration says of a cap of scores, the reference has none.
    static Architecture gemma3(Reading reading) {
        ConfigReader config = reading.config();
        int window = config.size("sliding_window", 4096);
        int pattern = config.size("sliding_window_pattern", 6);
        List<Integer> windows_L =
                reading.windows_L(window, layer -> (layer + 1) % pattern == 0 ? 0 : window);
        List<Integer> rotaryOf_L = windows_L.stream().map(w -> w == 0 ? 0 : 1).toList();
        return around(
                reading,
                QueryKeyNorm.PER_HEAD,
                0,
                new Positions(windows_L, rotaries(reading), rotaryOf_L));
    }

    private static List<Rotary> rotaries(Reading reading) {
        ConfigReader config = reading.config();
        if (config.child("rope_parameters").has("full_attention")) {
            return reading.rotaries(1_000_000);
        }
        double local = config.number("rope_local_base_freq", Reading.THETA);
        Rotary full = reading.rotary(1_000_000);
        return List.of(full, new Rotary(full.width(), local, new RopeScaling.Plain()));
    }

    private static Architecture around(
            Reading reading, QueryKeyNorm norm, double scoreCap, Positions positions) {
        ConfigReader config = reading.config();
        Architecture gemma = gemma(reading);
        AttentionShape shape = reading.attention(gemma.attention().bias(), norm);
        double scale = 1 / Math.sqrt(config.number("query_pre_attn_scalar", 256.0));
        return gemma.with(Reading.scaled(shape, scale, scoreCap))
                .with(positions)
                .with(
                        new Mlp(
                                gemma.mlp().width(),
                                reading.activation(
                                        "hidden_activation",
                                        config.text("hidden_act", "gelu_pytorch_tanh")),
                                false))
                .with(reading.norms(1, Placement.AROUND))
                .with(edges(reading, cap(config, "final_logit_softcapping")))
                .with(Layout.LLAMA.with(Part.MLP_IN, "pre_feedforward_layernorm"));
    }

    private static Edges edges(Reading reading, double logitCap) {
        return new Edges(
                reading.config().flag("tie_word_embeddings", true),
                Math.sqrt(reading.size().width()),
                1,
                1,
                logitCap);
    }

    private static double cap(ConfigReader config, String key) {
        return config.has(key) ? config.number(key, 0.0) : 0;
    }
}
