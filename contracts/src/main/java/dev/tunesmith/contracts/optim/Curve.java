package dev.tunesmith.contracts.optim;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// What the learning rate does after its warm-up: a kind, and numbers that only some kinds use.
///
/// On the wire the name of the kind, or an object with `type` and the numbers that are not the
/// usual ones.
///
/// @param cycles falls from the peak, for [Kind#COSINE_WITH_RESTARTS]
/// @param minRatio share of the peak below which the rate does not fall
/// @param power exponent of [Kind#POLYNOMIAL]
/// @param decaySteps steps of the fall of [Kind#WARMUP_STABLE_DECAY]; 0 for a tenth of the run
/// @param decay how that fall goes
/// @param timescale steps after which [Kind#INVERSE_SQRT] begins to fall; 0 for the warm-up
/// @param plateau when [Kind#REDUCE_ON_PLATEAU] falls
public record Curve(
        Kind kind,
        double cycles,
        double minRatio,
        double power,
        int decaySteps,
        Decay decay,
        int timescale,
        Plateau plateau) {
    public static final Curve CONSTANT = usual(Kind.CONSTANT);
    public static final Curve LINEAR = usual(Kind.LINEAR);
    public static final Curve COSINE = usual(Kind.COSINE);

    /// Curves by the names that transformers gives them.
    public enum Kind {
        CONSTANT,
        LINEAR,
        COSINE,
        COSINE_WITH_RESTARTS("cycles"),
        COSINE_WITH_MIN_LR("min_ratio"),
        POLYNOMIAL("power", "min_ratio"),
        INVERSE_SQRT("timescale"),
        WARMUP_STABLE_DECAY("decay_steps", "decay", "min_ratio"),
        /// Falls when evaluations no longer get better.
        REDUCE_ON_PLATEAU("factor", "patience", "cooldown", "threshold", "min_ratio");

        private final String keys;

        Kind(String... keys) {
            this.keys = String.join(",", keys);
        }

        public String wire() {
            return name().toLowerCase(Locale.ROOT);
        }

        /// The numbers that the kind uses.
        public List<String> keys() {
            return keys.isEmpty() ? List.of() : List.of(keys.split(",", -1));
        }

        static Kind of(String wire) {
            return valueOf(wire.toUpperCase(Locale.ROOT));
        }
    }

    /// When and how far the rate falls, as torch.optim has it.
    ///
    /// @param factor of one fall
    /// @param patience evaluations without a better one before it falls
    /// @param cooldown evaluations after a fall that do not count
    /// @param threshold relative improvement that counts as better
    public record Plateau(double factor, int patience, int cooldown, double threshold) {
        /// The numbers of torch, with the patience of fine-tuning runs.
        public static final Plateau USUAL = new Plateau(0.1, 10, 0, 1e-4);
    }

    /// How the last steps of [Kind#WARMUP_STABLE_DECAY] fall.
    public enum Decay {
        LINEAR("linear"),
        COSINE("cosine"),
        ONE_MINUS_SQRT("1-sqrt");

        private final String wire;

        Decay(String wire) {
            this.wire = wire;
        }

        public String wire() {
            return wire;
        }

        /// The decay of that name.
        ///
        /// @throws IllegalArgumentException if there is none
        public static Decay of(String wire) {
            return Arrays.stream(values())
                    .filter(decay -> decay.wire.equals(wire))
                    .findFirst()
                    .orElseThrow(() -> new IllegalArgumentException("no decay " + wire));
        }
    }

    /// The curve of a kind with the numbers that transformers uses, or those that the literature
    /// does where transformers wants them given.
    public static Curve usual(Kind kind) {
        double floor = kind == Kind.COSINE_WITH_MIN_LR ? 0.1 : 0;
        return new Curve(kind, 1, floor, 1, 0, Decay.LINEAR, 0, Plateau.USUAL);
    }

    /// Reads the form of the wire.
    @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
    public static Curve of(Object wire) {
        if (!(wire instanceof Map<?, ?> tree)) {
            return usual(Kind.of(wire.toString()));
        }
        Curve usual = usual(Kind.of(String.valueOf(tree.get("type"))));
        return new Curve(
                usual.kind,
                number(tree.get("cycles"), usual.cycles),
                number(tree.get("min_ratio"), usual.minRatio),
                number(tree.get("power"), usual.power),
                (int) number(tree.get("decay_steps"), usual.decaySteps),
                tree.get("decay") instanceof String decay ? Decay.of(decay) : usual.decay,
                (int) number(tree.get("timescale"), usual.timescale),
                new Plateau(
                        number(tree.get("factor"), usual.plateau.factor),
                        (int) number(tree.get("patience"), usual.plateau.patience),
                        (int) number(tree.get("cooldown"), usual.plateau.cooldown),
                        number(tree.get("threshold"), usual.plateau.threshold)));
    }

    private static double number(@Nullable Object value, double otherwise) {
        return value instanceof Number number ? number.doubleValue() : otherwise;
    }

    /// The form of the wire.
    @JsonValue
    public Object wire() {
        if (equals(usual(kind))) {
            return kind.wire();
        }
        var tree = new LinkedHashMap<String, Object>();
        tree.put("type", kind.wire());
        for (String key : kind.keys()) {
            tree.put(
                    key,
                    switch (key) {
                        case "cycles" -> cycles;
                        case "min_ratio" -> minRatio;
                        case "power" -> power;
                        case "decay_steps" -> decaySteps;
                        case "decay" -> decay.wire();
                        case "factor" -> plateau.factor;
                        case "patience" -> plateau.patience;
                        case "cooldown" -> plateau.cooldown;
                        case "threshold" -> plateau.threshold;
                        default -> timescale;
                    });
        }
        return tree;
    }
}
