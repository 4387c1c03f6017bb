package dev.tunesmith.engine.model;

import dev.tunesmith.engine.model.Architecture.Edges;
import dev.tunesmith.engine.model.Architecture.Mlp;
import dev.tunesmith.engine.model.Architecture.NormPlan;
import dev.tunesmith.engine.model.Architecture.NormPlan.Placement;
import dev.tunesmith.engine.model.Architecture.Positions;
import dev.tunesmith.engine.model.Architecture.Size;
import dev.tunesmith.engine.nn.Activation;
import dev.tunesmith.engine.nn.Attention;
import dev.tunesmith.engine.nn.AttentionShape;
import dev.tunesmith.engine.nn.AttentionShape.Bias;
import dev.tunesmith.engine.nn.AttentionShape.QueryKeyNorm;
import dev.tunesmith.engine.nn.position.RopeScaling;
import dev.tunesmith.engine.nn.position.Rotary;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

/// One `config.json` being read: what families have in common. A family takes [#llama] and says
/// what is different.
final class Reading {

    static final double THETA = 10_000;

    /// Families whose published configurations have dropout from their pre-training, of which
    /// tuning makes no use.
    private static final Set<String> DROPPING = Set.of("seed_oss");

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
        if (!DROPPING.contains(family)) {
            config.only("attention_dropout", 0);
        }
    }

    ConfigReader config() {
        return config;
    }

    Size size() {
        return size;
    }

    /// A decoder like Llama: norms before, rotary positions, a gated MLP without biases.
    Architecture llama(Bias bias) {
        return decoder(bias, mlp("silu", false));
    }

    /// The same with another MLP.
    Architecture decoder(Bias bias, Mlp mlp) {
        return new Architecture(
                family,
                size,
                attention(bias, QueryKeyNorm.NONE),
                everywhere(0, rotary(THETA)),
                mlp,
                norms(0, Placement.BEFORE),
                Edges.plain(config.flag("tie_word_embeddings", false)),
                Layout.LLAMA);
    }

    /// Biases of all projections of attention, if that option is on.
    Bias bias(String key, boolean absent) {
        return config.flag(key, absent) ? Bias.ALL : Bias.NONE;
    }

    AttentionShape attention(Bias bias, QueryKeyNorm norm) {
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

    int headWidth() {
        return config.size(
                "head_dim", Math.max(1, size.width() / config.size("num_attention_heads")));
    }

    static AttentionShape scaled(AttentionShape shape, double scale, double cap) {
        return new AttentionShape(
                        shape.heads(),
                        shape.kvHeads(),
                        shape.headWidth(),
                        scale,
                        cap,
                        shape.norm(),
                        shape.bias())
                .withClip(shape.clip());
    }

    Rotary rotary(double thetaDefault) {
        return new RotaryConfig(config, size.contextLength()).read(headWidth(), thetaDefault);
    }

    /// An encoding of which a head turns `shareDefault` unless the configuration says more.
    Rotary rotary(double thetaDefault, double shareDefault) {
        return new RotaryConfig(config, size.contextLength())
                .read(headWidth(), thetaDefault, shareDefault);
    }

    /// The rotary encoding of full layers, and that of layers with a window, which is never
    /// stretched unless it has a part of its own.
    List<Rotary> rotaries(double thetaDefault) {
        ConfigReader parameters = config.child("rope_parameters");
        if (!parameters.has("full_attention")) {
            Rotary full = rotary(thetaDefault);
            return List.of(full, new Rotary(full.width(), full.theta(), new RopeScaling.Plain()));
        }
        RotaryConfig reader = new RotaryConfig(config, size.contextLength());
        ConfigReader full = parameters.child("full_attention");
        ConfigReader local = parameters.child("sliding_attention");
        return List.of(
                reader.encoding(full, headWidth(), full.number("rope_theta", thetaDefault)),
                reader.encoding(local, headWidth(), local.number("rope_theta", THETA)));
    }

    Positions everywhere(int window, Rotary rotary) {
        return new Positions(Collections.nCopies(size.layers(), window), List.of(rotary), zeros());
    }

    /// Rotary positions only in some layers.
    Positions turning(List<Integer> windows_L, Rotary rotary, IntPredicate turns) {
        List<Integer> rotaryOf_L =
                IntStream.range(0, size.layers())
                        .map(layer -> turns.test(layer) ? 0 : Attention.NO_ROTARY)
                        .boxed()
                        .toList();
        return new Positions(windows_L, List.of(rotary), rotaryOf_L);
    }

    /// Positions that are known otherwise: a table, or slopes.
    Positions unturned(int learned, List<Double> slopes_H) {
        return unturned(learned, 0, slopes_H);
    }

    /// A table whose first rows no token has.
    Positions unturned(int learned, int unused, List<Double> slopes_H) {
        return new Positions(
                zeros(),
                List.of(),
                Collections.nCopies(size.layers(), Attention.NO_ROTARY),
                learned,
                unused,
                slopes_H);
    }

    List<Integer> zeros() {
        return Collections.nCopies(size.layers(), 0);
    }

    /// The window under that key, 0 if there is none.
    int window(String key) {
        return config.has(key) ? config.size(key) : 0;
    }

    /// Windows by `layer_types` where the configuration has it, else by the older rule.
    List<Integer> windows_L(int window, IntUnaryOperator olderRule) {
        List<String> types = config.texts("layer_types");
        if (types == null) {
            return IntStream.range(0, size.layers()).map(olderRule).boxed().toList();
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

    /// A gated MLP.
    Mlp mlp(String activationDefault, boolean bias) {
        Activation activation = activation("hidden_act", activationDefault);
        if (!activation.gates()) {
            config.fault(
                    "hidden_act = %s is not supported in front of a second branch"
                            .formatted(config.text("hidden_act", activationDefault)));
            activation = Activation.RELU;
        }
        return new Mlp(config.size("intermediate_size"), activation, bias);
    }

    /// An MLP without a gate, four times as wide as the model if nothing else is said.
    Mlp plainMlp(String activationDefault, boolean bias) {
        int inner =
                config.has("intermediate_size")
                        ? config.size("intermediate_size")
                        : 4 * size.width();
        return new Mlp(inner, activation("hidden_act", activationDefault), bias, false, null);
    }

    Activation activation(String key, String absent) {
        String name = config.text(key, absent);
        return switch (name) {
            case "silu", "swish" -> Activation.SILU;
            case "gelu" -> Activation.GELU;
            case "gelu_pytorch_tanh", "gelu_new", "gelu_fast" -> Activation.GELU_TANH;
            case "quick_gelu" -> Activation.QUICK_GELU;
            case "relu" -> Activation.RELU;
            case "relu2" -> Activation.RELU_SQUARED;
            case "xielu" -> Activation.XIELU;
            default -> {
                config.fault(
                        "%s = %s is not supported (supported: silu, gelu, gelu_pytorch_tanh, quick_gelu, relu, relu2, xielu)"
                                .formatted(key, name));
                yield Activation.SILU;
            }
        };
    }

    NormPlan norms(int gainOffset, Placement placement) {
        return new NormPlan(config.number("rms_norm_eps", 1e-6), gainOffset, placement);
    }

    NormPlan norms(String epsKey, Placement placement, NormPlan.Kind kind) {
        return new NormPlan(config.number(epsKey, 1e-5), 0, placement, kind);
    }
}
