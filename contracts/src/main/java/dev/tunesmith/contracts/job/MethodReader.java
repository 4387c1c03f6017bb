package dev.tunesmith.contracts.job;

import dev.tunesmith.contracts.job.Fields.Range;
import dev.tunesmith.contracts.method.Divergence;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.method.MethodChoice;
import dev.tunesmith.contracts.method.MethodSettings;
import dev.tunesmith.contracts.method.MethodSettings.Preference;
import dev.tunesmith.contracts.method.PairLoss;
import dev.tunesmith.contracts.problem.ProblemCode;
import java.util.Collections;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// Reads what a method has to be told: `beta` from its hyper-parameters, the rest from
/// `x_training`.
final class MethodReader {
    private static final int LOSSES_MAX = 8;

    private final Method method;
    private final Fields fields;
    private final TreeSet<String> given = new TreeSet<>();

    MethodReader(Method method, Fields fields) {
        this.method = method;
        this.fields = fields;
    }

    /// @param beta the hyper-parameter, null if it was not given
    MethodChoice read(@Nullable Double beta) {
        MethodSettings settings =
                switch (method) {
                    case SUPERVISED, PRETRAIN -> method.defaults();
                    case REWARD_MODEL ->
                            new MethodSettings.Reward(
                                    number("center_rewards_coefficient", Range.from(0, 100), 0));
                    case DPO -> preference(noted("beta", beta, Preference.BETA));
                };
        return new MethodChoice(settings, given);
    }

    private <T> T noted(String key, @Nullable T asked, T otherwise) {
        if (asked != null) {
            given.add(key);
        }
        return asked == null ? otherwise : asked;
    }

    private Preference preference(double beta) {
        Preference usual = Preference.dpo(beta);
        List<PairLoss> losses =
                noted(
                        "loss_type",
                        fields.choices(
                                "loss_type",
                                LOSSES_MAX,
                                List.of(PairLoss.values()),
                                PairLoss::wire),
                        usual.losses());
        List<Double> weights =
                noted(
                        "loss_weights",
                        fields.numbers("loss_weights", LOSSES_MAX, Range.from(0, 1000)),
                        Collections.nCopies(losses.size(), 1.0));
        if (weights.size() != losses.size()) {
            fields.problem(
                    ProblemCode.INVALID_VALUE,
                    "loss_weights",
                    "%d losses need as many weights, found %d"
                            .formatted(losses.size(), weights.size()));
            weights = Collections.nCopies(losses.size(), 1.0);
        }
        double smoothing = number("label_smoothing", Range.below(0, 0.5), 0);
        Divergence divergence =
                noted(
                        "f_divergence_type",
                        fields.choice(
                                "f_divergence_type",
                                List.of(Divergence.values()),
                                Divergence::wire),
                        usual.divergence());
        return new Preference(
                beta,
                losses,
                weights,
                losses.contains(PairLoss.EXO_PAIR)
                        ? Math.max(smoothing, Preference.EXO_SMOOTHING_MIN)
                        : smoothing,
                divergence,
                number("f_alpha_divergence_coef", Range.below(0, 1), usual.alpha()),
                number("discopop_tau", Range.above(0, 1000), usual.tau()),
                optional("ld_alpha", Range.from(0, 1)),
                flag("use_weighting"),
                flag("reference_free"));
    }

    private double number(String key, Range range, double otherwise) {
        return noted(key, fields.number(key, range), otherwise);
    }

    private @Nullable Double optional(String key, Range range) {
        Double value = fields.number(key, range);
        if (value != null) {
            given.add(key);
        }
        return value;
    }

    private boolean flag(String key) {
        return noted(key, fields.bool(key), false);
    }
}
