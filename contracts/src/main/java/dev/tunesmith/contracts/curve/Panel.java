package dev.tunesmith.contracts.curve;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/// Curves that share one pair of axes.
///
/// @param curves never empty
public record Panel(String title, List<Series> curves) {
    private static final int CURVES_MAX = 4;

    public Panel {
        curves = List.copyOf(curves);
    }

    /// What a person wants to see of a run: loss, rewards, rate and gradient norm, as far as they
    /// were measured. Where a grader gives rewards, the loss of an evaluation is the reward again.
    public static List<Panel> of(Map<String, Series> series) {
        boolean graded = series.containsKey("reward") || series.containsKey("objective/scores");
        var panels = new ArrayList<Panel>();
        add(
                panels,
                series,
                "loss",
                name -> name.equals("train_loss") || (name.equals("valid_loss") && !graded));
        add(panels, series, "reward", name -> isReward(name, series));
        add(panels, series, "learning rate", name -> name.equals("learning_rate"));
        add(panels, series, "gradient norm", name -> name.equals("grad_norm"));
        return List.copyOf(panels);
    }

    /// The panel of one figure, or of those whose name holds a word.
    public static Optional<Panel> of(Map<String, Series> series, String word) {
        var panels = new ArrayList<Panel>();
        add(
                panels,
                series,
                word,
                name -> series.containsKey(word) ? name.equals(word) : name.contains(word));
        return panels.stream().findFirst();
    }

    /// Of graded answers the mean, here and in evaluations, and its parts if there are several; of
    /// pairs both rewards and what lies between them.
    private static boolean isReward(String name, Map<String, Series> series) {
        return switch (name) {
            case "reward", "objective/scores", "valid_reward", "valid_objective/scores" -> true;
            case "rewards/reward/mean" -> false;
            case "rewards/chosen", "rewards/rejected", "rewards/margins" -> true;
            case "mean_reward", "min_reward", "max_reward", "margin" -> true;
            case "frac_reward_zero_std", "reward_std" -> false;
            default ->
                    !name.startsWith("valid_")
                            && (series.containsKey("reward")
                                    ? name.startsWith("rewards/") && name.endsWith("/mean")
                                    : name.toLowerCase(Locale.ROOT).contains("reward"));
        };
    }

    private static void add(
            List<Panel> panels,
            Map<String, Series> series,
            String title,
            Predicate<String> wanted) {
        List<Series> curves =
                series.values().stream()
                        .filter(curve -> wanted.test(curve.name()))
                        .limit(CURVES_MAX)
                        .toList();
        if (!curves.isEmpty()) {
            panels.add(new Panel(title, curves));
        }
    }

    /// The steps and values that all its curves need.
    public Frame frame() {
        double low = Double.POSITIVE_INFINITY;
        double high = Double.NEGATIVE_INFINITY;
        long first = Long.MAX_VALUE;
        long last = Long.MIN_VALUE;
        for (Series curve : curves) {
            for (Series.Point point : curve.points()) {
                low = Math.min(low, point.value());
                high = Math.max(high, point.value());
                first = Math.min(first, point.step());
                last = Math.max(last, point.step());
            }
        }
        double room = high > low ? 0.05 * (high - low) : Math.max(1e-12, Math.abs(high) * 0.1);
        return new Frame(first, Math.max(last, first + 1), low - room, high + room);
    }

    /// Ranges of both axes; neither is empty.
    public record Frame(long first, long last, double low, double high) {
        /// Where a step is between left (0) and right (1).
        public double x(double step) {
            return (step - first) / (last - first);
        }

        /// Where a value is between bottom (0) and top (1).
        public double y(double value) {
            return (value - low) / (high - low);
        }

        /// Round numbers between two ends, about `count` of them.
        public static List<Double> ticks(double from, double to, int count) {
            double rough = (to - from) / count;
            double power = Math.pow(10, Math.floor(Math.log10(rough)));
            double part = rough / power;
            double width = power * (part < 1.5 ? 1 : part < 3.5 ? 2 : part < 7.5 ? 5 : 10);
            var ticks = new ArrayList<Double>();
            for (double tick = Math.ceil(from / width) * width; tick <= to; tick += width) {
                ticks.add(Math.abs(tick) < width / 1e6 ? 0.0 : tick);
            }
            return ticks;
        }

        /// A number as short as it is clear.
        public static String label(double value) {
            double size = Math.abs(value);
            if (value == Math.rint(value) && size < 1e6) {
                return Long.toString(Math.round(value));
            }
            String format = size >= 1e6 || size < 1e-3 ? "%.1e" : size < 1 ? "%.4f" : "%.3f";
            String text = String.format(Locale.ROOT, format, value);
            return text.contains("e")
                    ? text
                    : text.replaceFirst("0+$", "").replaceFirst("\\.$", "");
        }
    }
}
