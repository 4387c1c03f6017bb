package dev.tunesmith.contracts.job;

import dev.tunesmith.contracts.method.AdapterKind;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.optim.Curve;
import dev.tunesmith.contracts.optim.OptimizerKind;
import dev.tunesmith.contracts.optim.Setting;
import dev.tunesmith.contracts.problem.Fields;
import dev.tunesmith.contracts.problem.Fields.Range;
import dev.tunesmith.contracts.problem.ProblemCode;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Reads `optimizer`: a name, or an object with `type` and the settings of that optimizer.
final class OptimizerReader {
    private static final String KEY = "optimizer";

    /// Names of other programs for our settings.
    private static final Map<String, String> ALIASES =
            Map.ofEntries(
                    Map.entry("eps", "epsilon"),
                    Map.entry("galore_rank", "rank"),
                    Map.entry("galore_update_interval", "update_proj_gap"),
                    Map.entry("galore_scale", "scale"),
                    Map.entry("apollo_rank", "rank"),
                    Map.entry("apollo_update_interval", "update_proj_gap"),
                    Map.entry("apollo_scale", "scale"),
                    Map.entry("badam_switch_mode", "switch_mode"),
                    Map.entry("badam_switch_interval", "switch_every"),
                    Map.entry("switch_block_every", "switch_every"));

    private static final int NAME_MAX = 128;

    private final Fields fields;

    OptimizerReader(Fields fields) {
        this.fields = fields;
    }

    TrainingOptions.@Nullable Form read() {
        List<OptimizerKind> kinds = List.of(OptimizerKind.values());
        if (!fields.hasObject(KEY)) {
            OptimizerKind kind = fields.choice(KEY, kinds, OptimizerKind::wire);
            return kind == null ? null : new TrainingOptions.Form(kind, Map.of());
        }
        Fields inner = fields.object(KEY);
        OptimizerKind kind = inner.choice("type", kinds, OptimizerKind::wire);
        if (kind == null) {
            if (!inner.has("type")) {
                inner.problem(ProblemCode.MISSING_REQUIRED_PARAMETER, "type", "is required");
            }
            return null;
        }
        Map<String, Object> given = given(inner, kind.settings());
        inner.rejectOthers(ALIASES);
        return new TrainingOptions.Form(kind, given);
    }

    /// Those of the settings that were given, by their keys.
    static Map<String, Object> given(Fields fields, List<Setting> settings) {
        var given = new LinkedHashMap<String, Object>();
        for (Setting setting : settings) {
            Object value = value(fields, setting);
            if (value != null) {
                given.put(setting.key(), value);
            }
        }
        return given;
    }

    private static @Nullable Object value(Fields inner, Setting setting) {
        return switch (setting) {
            case Setting.Real(String key, double _, double min, double max, boolean open) ->
                    inner.number(key, new Range(min, true, max, !open));
            case Setting.Whole(String key, int _, int min, int max) -> inner.integer(key, min, max);
            case Setting.Flag(String key, boolean _) -> inner.bool(key);
            case Setting.Word(String key, List<String> words) ->
                    inner.choice(key, words, word -> word);
            case Setting.Name(String key, String _) -> inner.text(key, NAME_MAX);
        };
    }

    /// What does not go together with the rest of the job.
    void rejectContradictions(
            TrainingOptions.Optimizer asked, @Nullable AdapterKind adapter, Method method) {
        TrainingOptions.Form form = asked.form();
        OptimizerKind kind = form == null ? OptimizerKind.ADAMW : form.kind();
        Map<String, Object> given = form == null ? Map.of() : form.given();
        ResolvedSpec.ADAM_KEYS.forEach((key, setting) -> {
            if (!fields.has(key)) {
                return;
            }
            reject(
                    kind.setting(setting).isEmpty(),
                    key,
                    "is no setting of optimizer " + kind.wire());
            Object other = given.get(setting);
            reject(
                    other != null && !other.equals(number(asked.adam(), setting)),
                    key,
                    "differs from optimizer.%s; keep one of them".formatted(setting));
        });
        AdapterKind kindOfAdapter =
                adapter == null && method != Method.PRETRAIN ? AdapterKind.LORA : adapter;
        boolean blocks = kind == OptimizerKind.BADAM;
        reject(
                !kind.takesAdapters()
                        && kindOfAdapter != null
                        && kindOfAdapter != AdapterKind.NONE
                        && (blocks || !kindOfAdapter.weights()),
                KEY,
                "%s is for whole models and needs adapter none".formatted(kind.wire()));
        rejectSettings(kind, given, asked);
        Curve curve = asked.curve();
        reject(
                kind == OptimizerKind.SCHEDULE_FREE
                        && curve != null
                        && curve.kind() != Curve.Kind.CONSTANT,
                "scheduler",
                "schedule_free averages instead of lowering the rate and needs constant");
    }

    private void rejectSettings(
            OptimizerKind kind, Map<String, Object> given, TrainingOptions.Optimizer asked) {
        boolean relative = Boolean.TRUE.equals(given.get("relative_step"));
        reject(
                relative && asked.learningRate() != null,
                "learning_rate",
                "cannot be combined with relative_step, which has rates of its own");
        reject(
                Boolean.TRUE.equals(given.get("warmup_init")) && !relative,
                KEY + ".warmup_init",
                "needs relative_step true");
        boolean nesterov = kind == OptimizerKind.SGD && Boolean.TRUE.equals(given.get("nesterov"));
        reject(
                nesterov
                        && (Objects.equals(given.get("momentum"), 0.0)
                                || !Objects.equals(given.getOrDefault("dampening", 0.0), 0.0)),
                KEY + ".nesterov",
                "needs a momentum above 0 and no dampening");
    }

    private static @Nullable Double number(TrainingOptions.Adam adam, String setting) {
        return switch (setting) {
            case "beta1" -> adam.beta1();
            case "beta2" -> adam.beta2();
            default -> adam.epsilon();
        };
    }

    private void reject(boolean wrong, String key, String message) {
        if (wrong) {
            fields.problem(ProblemCode.INVALID_VALUE, key, message);
        }
    }

    /// Reads `scheduler`: a name, or an object with the numbers of that curve.
    static final class CurveReader {
        private static final Set<String> KEYS =
                Arrays.stream(Curve.Kind.values())
                        .flatMap(kind -> kind.keys().stream())
                        .collect(Collectors.toUnmodifiableSet());

        /// Names that transformers has for these.
        private static final Map<String, String> ALIASES =
                Map.of(
                        "num_cycles", "cycles",
                        "min_lr_rate", "min_ratio",
                        "min_lr_ratio", "min_ratio",
                        "num_decay_steps", "decay_steps",
                        "decay_type", "decay");

        private static final int STEPS_MAX = 100_000_000;

        private final Fields fields;

        CurveReader(Fields fields) {
            this.fields = fields;
        }

        @Nullable Curve read() {
            List<Curve.Kind> kinds = List.of(Curve.Kind.values());
            if (!fields.hasObject("scheduler")) {
                Curve.Kind kind = fields.choice("scheduler", kinds, Curve.Kind::wire);
                return kind == null ? null : Curve.usual(kind);
            }
            Fields inner = fields.object("scheduler");
            Curve.Kind kind = inner.choice("type", kinds, Curve.Kind::wire);
            Curve usual = Curve.usual(kind == null ? Curve.Kind.CONSTANT : kind);
            Curve.Decay decay =
                    inner.choice("decay", List.of(Curve.Decay.values()), Curve.Decay::wire);
            var curve =
                    new Curve(
                            usual.kind(),
                            number(inner, "cycles", Range.above(0, 1000), usual.cycles()),
                            number(inner, "min_ratio", Range.below(0, 1), usual.minRatio()),
                            number(inner, "power", Range.above(0, 100), usual.power()),
                            whole(inner, "decay_steps", 1, usual.decaySteps()),
                            decay == null ? usual.decay() : decay,
                            whole(inner, "timescale", 1, usual.timescale()),
                            plateau(inner, usual.plateau()));
            inner.rejectOthers(ALIASES);
            if (kind == null) {
                if (!inner.has("type")) {
                    inner.problem(ProblemCode.INVALID_VALUE, "type", "is missing");
                }
                return null;
            }
            rejectKeysOfOthers(inner, kind);
            return curve;
        }

        private static Curve.Plateau plateau(Fields inner, Curve.Plateau usual) {
            return new Curve.Plateau(
                    number(inner, "factor", new Range(0, false, 1, false), usual.factor()),
                    whole(inner, "patience", 0, usual.patience()),
                    whole(inner, "cooldown", 0, usual.cooldown()),
                    number(inner, "threshold", Range.below(0, 1), usual.threshold()));
        }

        private static double number(Fields inner, String key, Range range, double otherwise) {
            Double value = inner.number(key, range);
            return value == null ? otherwise : value;
        }

        private static int whole(Fields inner, String key, int min, int otherwise) {
            Integer value = inner.integer(key, min, STEPS_MAX);
            return value == null ? otherwise : value;
        }

        private static void rejectKeysOfOthers(Fields inner, Curve.Kind kind) {
            for (String key : inner.keys()) {
                if (KEYS.contains(key) && !kind.keys().contains(key)) {
                    inner.problem(
                            ProblemCode.INVALID_VALUE,
                            key,
                            "is not used by %s, which uses %s"
                                    .formatted(
                                            kind.wire(),
                                            kind.keys().isEmpty()
                                                    ? "no numbers"
                                                    : String.join(", ", kind.keys())));
                }
            }
        }
    }
}
