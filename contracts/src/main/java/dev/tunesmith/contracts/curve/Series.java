package dev.tunesmith.contracts.curve;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// One figure over the steps of a run, in rising order.
public record Series(String name, List<Point> points) {
    /// One measurement.
    public record Point(long step, double value) {}

    public Series {
        points = List.copyOf(points);
    }

    /// All figures of the lines of a run's table, each line with its `step`; what is no finite
    /// number is left out.
    public static Map<String, Series> of(Iterable<? extends Map<String, ?>> lines) {
        var points = new LinkedHashMap<String, List<Point>>();
        for (Map<String, ?> line : lines) {
            if (line.get("step") instanceof Number step) {
                line.forEach((name, value) -> {
                    if (!name.equals("step")
                            && value instanceof Number number
                            && Double.isFinite(number.doubleValue())) {
                        points.computeIfAbsent(name, _ -> new ArrayList<>())
                                .add(new Point(step.longValue(), number.doubleValue()));
                    }
                });
            }
        }
        var series = new LinkedHashMap<String, Series>();
        points.forEach((name, found) -> series.put(name, new Series(name, found)));
        return series;
    }

    /// An exponential average with the weight of LLaMA-Factory's plots: the longer the series, the
    /// smoother, up to 0.9 of what was before. A learning rate is not measured and stays as it is.
    public Series smoothed() {
        if (name.equals("learning_rate")) {
            return this;
        }
        double weight = 1.8 * (1 / (1 + Math.exp(-0.05 * points.size())) - 0.5);
        var smooth = new ArrayList<Point>();
        for (Point point : points) {
            double last = smooth.isEmpty() ? point.value() : smooth.getLast().value();
            smooth.add(new Point(point.step(), weight * last + (1 - weight) * point.value()));
        }
        return new Series(name, smooth);
    }

    /// At most about `most` points that keep the outline: of each stretch the lowest and the
    /// highest.
    public Series thinned(int most) {
        if (points.size() <= most) {
            return this;
        }
        int stretch = Math.ceilDiv(2 * points.size(), most);
        var kept = new ArrayList<Point>();
        for (int from = 0; from < points.size(); from += stretch) {
            List<Point> part = points.subList(from, Math.min(points.size(), from + stretch));
            Point low = part.getFirst();
            Point high = low;
            for (Point point : part) {
                low = point.value() < low.value() ? point : low;
                high = point.value() > high.value() ? point : high;
            }
            kept.add(low.step() <= high.step() ? low : high);
            if (!low.equals(high)) {
                kept.add(low.step() <= high.step() ? high : low);
            }
        }
        return new Series(name, kept);
    }
}
