package dev.tunesmith.contracts.job;

import static dev.tunesmith.contracts.job.Nano.NANO;
import static dev.tunesmith.contracts.job.Nano.STATS;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.tunesmith.contracts.TestingJson;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.optim.Curve;
import dev.tunesmith.contracts.optim.OptimizerKind;
import dev.tunesmith.contracts.optim.OptimizerSpec;
import dev.tunesmith.contracts.optim.Setting;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/// Every option of a method, a scheduler and an optimizer sets the value that it names, and nothing
/// that does not follow from it.
final class MethodOptionsTest {
    private static final String GRADER =
            "\"grader\":{\"type\":\"string_check\",\"operation\":\"eq\",\"input\":\"a\",\"reference\":\"b\"}";

    private static final String TEACHER = "\"teacher\":\"qwen2-0.5b\"";

    /// How answers are drawn.
    private static final Map<String, Object> DRAWING =
            Map.of("max_completion_length", 77, "temperature", 0.7, "top_p", 0.8, "top_k", 33);

    private static final Map<String, Object> PPO =
            Map.ofEntries(
                    Map.entry("kl_estimator", "k3"),
                    Map.entry("kl_coef", 0.07),
                    Map.entry("kl_target", 6.5),
                    Map.entry("kl_horizon", 7777.0),
                    Map.entry("gamma", 0.98),
                    Map.entry("lam", 0.93),
                    Map.entry("whiten_rewards", true),
                    Map.entry("missing_eos_penalty", 0.6),
                    Map.entry("score_norm", true),
                    Map.entry("ppo_epochs", 3),
                    Map.entry("num_mini_batches", 2),
                    Map.entry("cliprange", 0.21),
                    Map.entry("cliprange_value", 0.22),
                    Map.entry("vf_coef", 0.13),
                    Map.entry("entropy_coef", 0.01),
                    Map.entry("reference", "qwen2-0.5b"));

    private static final Map<String, Object> GROUP =
            Map.ofEntries(
                    Map.entry("num_generations", 6),
                    Map.entry("loss_type", "bnpo"),
                    Map.entry("importance_sampling_level", "sequence"),
                    Map.entry("epsilon", 0.15),
                    Map.entry("epsilon_high", 0.29),
                    Map.entry("delta", 4.5),
                    Map.entry("kl_coef", 0.03),
                    Map.entry("use_bias_correction_kl", true),
                    Map.entry("scale_rewards", "batch"),
                    Map.entry("multi_objective_aggregation", "normalize_then_sum"),
                    Map.entry("mask_truncated_completions", true),
                    Map.entry("num_iterations", 3),
                    Map.entry("num_mini_batches", 2),
                    Map.entry("entropy_coef", 0.02),
                    Map.entry("top_entropy_quantile", 0.2),
                    Map.entry("off_policy_mask_threshold", 1.5),
                    Map.entry("reference", "qwen2-0.5b"));

    private static final Map<Method, Map<String, Object>> OTHER =
            Map.of(
                    Method.PPO,
                    joined(PPO, DRAWING),
                    Method.GRPO,
                    joined(GROUP, DRAWING),
                    Method.DPO,
                    Map.ofEntries(
                            Map.entry("beta", 0.3),
                            Map.entry("loss_type", List.of("ipo")),
                            Map.entry("loss_weights", List.of(0.4)),
                            Map.entry("label_smoothing", 0.2),
                            Map.entry("f_divergence_type", "alpha_divergence"),
                            Map.entry("f_alpha_divergence_coef", 0.25),
                            Map.entry("discopop_tau", 0.06),
                            Map.entry("ld_alpha", 0.35),
                            Map.entry("use_weighting", true),
                            Map.entry("reference_free", true),
                            Map.entry("reference", "qwen2-0.5b")),
                    Method.KTO,
                    Map.of(
                            "beta",
                            0.3,
                            "loss_type",
                            "apo_zero_unpaired",
                            "desirable_weight",
                            1.25,
                            "undesirable_weight",
                            0.75,
                            "reference",
                            "base"),
                    Method.DISTILL,
                    joined(
                            Map.of(
                                    "teacher",
                                    "llama-1b",
                                    "distill_alpha",
                                    0.3,
                                    "distill_beta",
                                    0.6,
                                    "distill_temperature",
                                    2.5,
                                    "on_policy_share",
                                    0.4),
                            DRAWING),
                    Method.REWARD_MODEL,
                    Map.of("center_rewards_coefficient", 0.01),
                    Method.ORPO,
                    Map.of("beta", 0.3, "orpo_nll", "full"),
                    Method.SIMPO,
                    Map.of(
                            "beta",
                            1.5,
                            "simpo_gamma",
                            0.9,
                            "label_smoothing",
                            0.2,
                            "cpo_alpha",
                            0.6,
                            "alphapo_alpha",
                            0.25),
                    Method.CPO,
                    Map.of(
                            "beta",
                            0.3,
                            "loss_type",
                            "hinge",
                            "label_smoothing",
                            0.2,
                            "cpo_alpha",
                            0.6));

    /// What an option needs beside itself.
    private static final Map<String, String> NEEDED =
            Map.of(
                    "kl_horizon", "\"kl_target\":6.0",
                    "f_alpha_divergence_coef", "\"f_divergence_type\":\"alpha_divergence\"",
                    "discopop_tau", "\"loss_type\":[\"discopop\"]");

    private static final Set<String> STEPS = Set.of("planned_steps", "save_steps");

    /// What follows from an option.
    private static final Map<String, Set<String>> FOLLOWING =
            Map.of(
                    "num_iterations", STEPS,
                    "num_mini_batches", STEPS,
                    "ppo_epochs", STEPS,
                    "kl_target", Set.of("kl_horizon"),
                    "f_divergence_type", Set.of("f_alpha_divergence_coef"),
                    "kl_coef", Set.of("reference", "use_bias_correction_kl"),
                    "reference_free", Set.of("reference"),
                    "on_policy_share", DRAWING.keySet(),
                    "epsilon", Set.of("epsilon_high"));

    private static Map<String, Object> joined(
            Map<String, Object> first, Map<String, Object> second) {
        var all = new TreeMap<>(first);
        all.putAll(second);
        return all;
    }

    static Stream<Arguments> options() {
        return OTHER.entrySet().stream()
                .flatMap(method ->
                        method.getValue().entrySet().stream()
                                .map(option ->
                                        Arguments.of(
                                                method.getKey(),
                                                option.getKey(),
                                                option.getValue())));
    }

    private static String needed(Method method, String key) {
        var all = new LinkedHashMap<String, String>();
        if (method == Method.DISTILL && !key.equals("teacher")) {
            all.put("teacher", TEACHER);
        }
        if (method == Method.DISTILL && DRAWING.containsKey(key)) {
            all.put("share", "\"on_policy_share\":0.5");
        }
        if (method == Method.GRPO && Set.of("reference", "use_bias_correction_kl").contains(key)) {
            all.put("price", "\"kl_coef\":0.05");
        }
        if (NEEDED.containsKey(key)) {
            all.put(key, NEEDED.getOrDefault(key, ""));
        }
        return String.join(",", all.values());
    }

    static Map<String, Object> flat(Method method, String beta, String training) {
        String own =
                Stream.of(beta, method.rowKind() == Method.RowKind.PROMPT ? GRADER : "")
                        .filter(text -> !text.isEmpty())
                        .collect(Collectors.joining(","));
        JobSpec spec =
                Bodies.spec(
                        "\"method\":{\"type\":\"%1$s\",\"%1$s\":{%2$s}},\"x_training\":{%3$s}"
                                .formatted(method.wire(), own, training));
        var all = new TreeMap<>(Resolver.resolve(spec, NANO, STATS, 64L << 30).flat());
        all.putAll(spec.choice().settings().hyperparameters());
        return all;
    }

    private static String pair(String key, Object value) throws JsonProcessingException {
        String json = TestingJson.MAPPER.writeValueAsString(Map.of(key, value));
        return json.substring(1, json.length() - 1);
    }

    private static Set<String> changed(Map<String, Object> before, Map<String, Object> after) {
        var names = new TreeSet<>(before.keySet());
        names.addAll(after.keySet());
        names.removeIf(
                name -> String.valueOf(before.get(name)).equals(String.valueOf(after.get(name))));
        return names;
    }

    @ParameterizedTest
    @MethodSource("options")
    void ofAMethodSetsWhatItNamesAndNothingElse(Method method, String key, Object value)
            throws Exception {
        String needed = needed(method, key);
        String own = pair(key, value);
        Map<String, Object> without = flat(method, "", key.equals("teacher") ? TEACHER : needed);
        Map<String, Object> with =
                key.equals("beta")
                        ? flat(method, "\"hyperparameters\":{" + own + "}", needed)
                        : flat(method, "", needed.isEmpty() ? own : needed + "," + own);

        assertThat(with.get(key)).as(key).isEqualTo(value);
        Set<String> changed = changed(without, with);
        changed.removeAll(FOLLOWING.getOrDefault(key, Set.of()));
        assertThat(changed).as("what %s of %s has changed", key, method).containsExactly(key);
    }

    /// What a method shows beside what supervised tuning shows is walked above.
    @ParameterizedTest
    @EnumSource(
            value = Method.class,
            names = {
                "PPO",
                "GRPO",
                "DPO",
                "KTO",
                "DISTILL",
                "REWARD_MODEL",
                "ORPO",
                "SIMPO",
                "CPO"
            })
    void everyValueOfAMethodIsTested(Method method) {
        var shown = new TreeSet<>(flat(method, "", needed(method, "")).keySet());
        var supervised = new TreeSet<>(flat(Method.SUPERVISED, "", "").keySet());
        supervised.removeAll(OTHER.getOrDefault(method, Map.of()).keySet());
        shown.removeAll(supervised);
        assertThat(OTHER.getOrDefault(method, Map.of()).keySet()).containsAll(shown);
    }

    static Stream<Curve.Kind> curves() {
        return Arrays.stream(Curve.Kind.values());
    }

    /// Each number differs from all others and from the usual ones.
    @ParameterizedTest
    @MethodSource("curves")
    void theNumbersOfASchedulerStandWhereTheyBelong(Curve.Kind kind) throws Exception {
        Map<String, Object> numbers =
                Map.ofEntries(
                        Map.entry("cycles", 3.0),
                        Map.entry("min_ratio", 0.15),
                        Map.entry("power", 2.5),
                        Map.entry("decay_steps", 21),
                        Map.entry("decay", "1-sqrt"),
                        Map.entry("timescale", 37),
                        Map.entry("factor", 0.35),
                        Map.entry("patience", 4),
                        Map.entry("cooldown", 2),
                        Map.entry("threshold", 0.003));
        var given = new TreeMap<String, Object>(Map.of("type", kind.wire()));
        kind.keys().forEach(key -> given.put(key, numbers.getOrDefault(key, "")));
        Map<String, Object> shown =
                flat(Method.SUPERVISED, "", "\"val_size\":0.1," + pair("scheduler", given));

        Object wire = TestingJson.MAPPER.convertValue(shown.get("scheduler"), Object.class);
        assertThat(wire).isEqualTo(kind.keys().isEmpty() ? kind.wire() : given);
        Curve curve = Curve.of(given);
        Curve.Plateau plateau = curve.plateau();
        Map<String, Object> read =
                Map.ofEntries(
                        Map.entry("cycles", curve.cycles()),
                        Map.entry("min_ratio", curve.minRatio()),
                        Map.entry("power", curve.power()),
                        Map.entry("decay_steps", curve.decaySteps()),
                        Map.entry("decay", curve.decay().wire()),
                        Map.entry("timescale", curve.timescale()),
                        Map.entry("factor", plateau.factor()),
                        Map.entry("patience", plateau.patience()),
                        Map.entry("cooldown", plateau.cooldown()),
                        Map.entry("threshold", plateau.threshold()));
        kind.keys().forEach(key -> assertThat(read.get(key)).as(key).isEqualTo(given.get(key)));
    }

    static Stream<Arguments> settings() {
        return Arrays.stream(OptimizerKind.values())
                .flatMap(kind ->
                        kind.settings().stream().map(setting -> Arguments.of(kind, setting)));
    }

    private static Object other(Setting setting) {
        return switch (setting) {
            case Setting.Real(String _, double usual, double min, double max, boolean _) ->
                    usual == 0 ? min + Math.min(max - min, 1) / 2 : usual / 2;
            case Setting.Whole(String _, int usual, int _, int _) -> usual + 3;
            case Setting.Flag(String _, boolean usual) -> !usual;
            case Setting.Word(String _, List<String> words) -> words.getLast();
            case Setting.Name(String _, String usual) -> usual;
        };
    }

    @ParameterizedTest
    @MethodSource("settings")
    void aNumberOfAnOptimizerStandsWhereItBelongs(OptimizerKind kind, Setting setting)
            throws Exception {
        Object value = other(setting);
        // AdaFactor finds its own rate where it is asked to.
        String more = setting.key().equals("warmup_init") ? "\"relative_step\":true," : "";
        String asked =
                "\"optimizer\":{\"type\":\"%s\",%s%s},\"adapter\":\"none\""
                        .formatted(kind.wire(), more, pair(setting.key(), value));
        OptimizerSpec shown =
                TestingJson.MAPPER.convertValue(
                        flat(Method.SUPERVISED, "", asked).get("optimizer"), OptimizerSpec.class);

        var wanted = new TreeMap<>(OptimizerSpec.usual(kind).values());
        if (!more.isEmpty()) {
            wanted.put("relative_step", true);
        }
        wanted.put(setting.key(), value);
        assertThat(shown.kind()).isEqualTo(kind);
        assertThat(new TreeMap<>(shown.values())).isEqualTo(wanted);
    }
}
