package dev.tunesmith.contracts.care;

import dev.tunesmith.contracts.optim.Setting;
import dev.tunesmith.contracts.optim.Setting.Flag;
import dev.tunesmith.contracts.optim.Setting.Name;
import dev.tunesmith.contracts.optim.Setting.Real;
import dev.tunesmith.contracts.optim.Setting.Whole;
import dev.tunesmith.contracts.optim.Setting.Word;
import dev.tunesmith.contracts.optim.SettingValues;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;

/// What watches over a run, and which of its states survives.
public record Care(Guard guard, Average average, Choice choice) {

    private static final int STEPS_MAX = 100_000_000;

    /// Every key of `x_training` that is about this.
    public static final List<Setting> SETTINGS =
            List.of(
                    new Word("loss_guard", List.of("stop", "skip", "lower")),
                    new Real("guard_threshold", 0, 0, 1e6, false),
                    new Whole("guard_window", 50, 4, 10_000),
                    new Real("guard_factor", 0.1, 0, 1, true),
                    new Whole("guard_steps", 10, 1, STEPS_MAX),
                    new Real("ema_decay", 0, 0, 1, true),
                    new Whole("ema_start", 0, 0, STEPS_MAX),
                    new Flag("ema_evaluate", true),
                    new Flag("ema_export", true),
                    new Name("metric_for_best", Choice.LOSS),
                    new Flag("load_best_at_end", false),
                    new Whole("early_stopping_patience", 0, 0, STEPS_MAX),
                    new Real("early_stopping_min_delta", 0, 0, 1e6, false),
                    new Whole("keep_last", 0, 0, 10_000),
                    new Whole("keep_best", 0, 0, 10_000));

    /// A run that nobody said anything about.
    public static final Care USUAL = of(Map.of());

    public Care {
        // Jobs of earlier releases were stored without it.
        guard = Objects.requireNonNullElseGet(guard, () -> USUAL.guard);
        average = Objects.requireNonNullElseGet(average, () -> USUAL.average);
        choice = Objects.requireNonNullElseGet(choice, () -> USUAL.choice);
    }

    /// What is done about a step whose loss or gradient is no number, or whose loss is far off.
    ///
    /// @param threshold a loss is far off when it exceeds the median of the recent ones by more
    ///   than this many of their usual deviations; 0 watches for numbers only
    /// @param window steps that count as recent
    /// @param factor of the rate after such a step, with [Policy#LOWER]
    /// @param steps that this lasts
    public record Guard(Policy policy, double threshold, int window, double factor, int steps) {}

    /// Answers to such a step.
    public enum Policy {
        /// The run ends, and names the rows.
        STOP,
        /// The rows are left out.
        SKIP,
        /// The rows are left out if they are no numbers, and the rate falls for a while.
        LOWER;

        public String wire() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /// The moving average of the weights that train.
    ///
    /// @param decay share of the old average at each step; 0 for no average
    /// @param start steps before it begins
    /// @param evaluated whether evaluations look at it
    /// @param exported whether it is the result
    public record Average(double decay, int start, boolean evaluated, boolean exported) {
        /// Whether there is one.
        public boolean on() {
            return decay > 0;
        }
    }

    /// Which state of a run counts.
    ///
    /// @param metric of evaluations by which states are compared
    /// @param best whether the best state, not the last one, is the result
    /// @param patience evaluations without a better one after which the run ends; 0 for all steps
    /// @param minDelta by which a better one must be better
    /// @param keepLast checkpoints that are kept, the latest; 0 keeps all
    /// @param keepBest checkpoints that are kept besides, the best
    public record Choice(
            String metric,
            boolean best,
            int patience,
            double minDelta,
            int keepLast,
            int keepBest) {
        /// The metric of every method.
        public static final String LOSS = "loss";

        /// What the names of those metrics contain whose larger values are better: a regular
        /// expression.
        public static final String LARGER_IS_BETTER = "accurac|reward|margin|score";

        private static final Pattern LARGER = Pattern.compile(LARGER_IS_BETTER);

        /// Whether a larger value is a better one.
        public boolean larger() {
            return LARGER.matcher(metric).find();
        }

        /// Whether anything depends on evaluations.
        public boolean listens() {
            return best || patience > 0 || keepBest > 0;
        }

        /// Whether `value` is better than `than`; nothing is better than no value.
        public boolean better(double value, double than) {
            return !Double.isNaN(value)
                    && (Double.isNaN(than)
                            || (larger() ? value > than + minDelta : value < than - minDelta));
        }
    }

    /// The settings by their keys; those that are not named are the usual ones.
    public static Care of(Map<String, Object> given) {
        SettingValues values = SettingValues.of(SETTINGS, given);
        return new Care(
                new Guard(
                        Policy.valueOf(values.word("loss_guard").toUpperCase(Locale.ROOT)),
                        values.number("guard_threshold"),
                        values.whole("guard_window"),
                        values.number("guard_factor"),
                        values.whole("guard_steps")),
                new Average(
                        values.number("ema_decay"),
                        values.whole("ema_start"),
                        values.flag("ema_evaluate"),
                        values.flag("ema_export")),
                new Choice(
                        values.word("metric_for_best"),
                        values.flag("load_best_at_end"),
                        values.whole("early_stopping_patience"),
                        values.number("early_stopping_min_delta"),
                        values.whole("keep_last"),
                        values.whole("keep_best")));
    }

    /// Every setting by its key.
    public Map<String, Object> flat() {
        var flat = new LinkedHashMap<String, Object>();
        flat.put("loss_guard", guard.policy.wire());
        flat.put("guard_threshold", guard.threshold);
        flat.put("guard_window", guard.window);
        flat.put("guard_factor", guard.factor);
        flat.put("guard_steps", guard.steps);
        flat.put("ema_decay", average.decay);
        flat.put("ema_start", average.start);
        flat.put("ema_evaluate", average.evaluated);
        flat.put("ema_export", average.exported);
        flat.put("metric_for_best", choice.metric);
        flat.put("load_best_at_end", choice.best);
        flat.put("early_stopping_patience", choice.patience);
        flat.put("early_stopping_min_delta", choice.minDelta);
        flat.put("keep_last", choice.keepLast);
        flat.put("keep_best", choice.keepBest);
        return flat;
    }
}
