package dev.tunesmith.engine.model;

import dev.tunesmith.engine.nn.position.RopeScaling;
import dev.tunesmith.engine.nn.position.Rotary;

/// Reads the rotary encoding of a configuration: `rope_theta` and `rope_scaling` in the older form,
/// `rope_parameters` in the newer one.
final class RotaryConfig {

    private static final String KINDS = "default, linear, dynamic, llama3, yarn, longrope";

    private final ConfigReader config;
    private final int contextLength;

    RotaryConfig(ConfigReader config, int contextLength) {
        this.config = config;
        this.contextLength = contextLength;
    }

    /// The rotary encoding of a family whose heads turn as a whole, whatever the configuration says
    /// of a part.
    Rotary read(int headWidth, double thetaDefault) {
        ConfigReader parameters = config.child("rope_parameters");
        return encoding(part(parameters), headWidth, theta(parameters, thetaDefault));
    }

    /// The rotary encoding of a family of whose heads a part may turn.
    ///
    /// @param shareDefault how much of a head turns if nothing else is said
    Rotary read(int headWidth, double thetaDefault, double shareDefault) {
        ConfigReader parameters = config.child("rope_parameters");
        ConfigReader scaling = part(parameters);
        double share =
                scaling.number(
                        "partial_rotary_factor",
                        config.number("partial_rotary_factor", shareDefault));
        return new Rotary(
                even((int) (headWidth * share), "partial_rotary_factor = " + share),
                theta(parameters, thetaDefault),
                scaling(scaling));
    }

    /// One of several encodings, from its own part of the configuration.
    Rotary encoding(ConfigReader scaling, int headWidth, double theta) {
        return new Rotary(even(headWidth, "a head"), theta, scaling(scaling));
    }

    private ConfigReader part(ConfigReader parameters) {
        return parameters.isEmpty() ? config.child("rope_scaling") : parameters;
    }

    private int even(int width, String reason) {
        if (width < 2 || width % 2 != 0) {
            config.fault(
                    "%s turns %d dimensions of a head, which are no pairs"
                            .formatted(reason, width));
            return 2;
        }
        return width;
    }

    private double theta(ConfigReader parameters, double thetaDefault) {
        return parameters.has("rope_theta")
                ? parameters.number("rope_theta", thetaDefault)
                : config.number("rope_theta", thetaDefault);
    }

    private RopeScaling scaling(ConfigReader scaling) {
        String kind = scaling.text("rope_type", scaling.text("type", "default"));
        return switch (kind) {
            case "default", "mrope" -> new RopeScaling.Plain();
            case "linear" -> new RopeScaling.Linear(factor(scaling));
            case "dynamic" -> new RopeScaling.Dynamic(factor(scaling), contextLength);
            case "llama3" ->
                    new RopeScaling.Llama3(
                            factor(scaling),
                            scaling.number("low_freq_factor", null),
                            scaling.number("high_freq_factor", null),
                            original(scaling));
            case "yarn" -> yarn(scaling);
            case "longrope", "su" -> longRope(scaling);
            default -> {
                config.fault(
                        "rope_type %s is not supported (supported: %s)".formatted(kind, KINDS));
                yield new RopeScaling.Plain();
            }
        };
    }

    private static double factor(ConfigReader scaling) {
        return scaling.number("factor", null);
    }

    /// The context before stretching; what stands outside of the encoding's own part comes first.
    private int original(ConfigReader scaling) {
        String key = "original_max_position_embeddings";
        return config.has(key) ? config.size(key) : scaling.size(key, contextLength);
    }

    private RopeScaling yarn(ConfigReader scaling) {
        int original = original(scaling);
        double factor = scaling.has("factor") ? factor(scaling) : (double) contextLength / original;
        double ratio = 1;
        double mscale = scaling.number("mscale", 0.0);
        double all = scaling.number("mscale_all_dim", 0.0);
        if (mscale != 0 && all != 0) {
            ratio = temperature(factor, mscale) / temperature(factor, all);
        } else {
            ratio = temperature(factor, 1);
        }
        return new RopeScaling.Yarn(
                factor,
                original,
                scaling.number("beta_fast", 32.0),
                scaling.number("beta_slow", 1.0),
                scaling.number("attention_factor", ratio),
                scaling.flag("truncate", true));
    }

    /// How much sharper attention becomes when positions are stretched.
    static double temperature(double factor, double scale) {
        return factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1;
    }

    private RopeScaling longRope(ConfigReader scaling) {
        int original = original(scaling);
        double factor = scaling.number("factor", (double) contextLength / original);
        double amplitude = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original));
        return new RopeScaling.LongRope(
                scaling.numbers("short_factor"),
                scaling.numbers("long_factor"),
                original,
                scaling.number("attention_factor", amplitude));
    }
}
