package dev.tunesmith.engine.objective;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/// Figures of a method under the names of its field, over some batches; adding the metrics of two
/// batches gives those of both.
public final class Metrics {

    /// Nothing measured.
    public static final Metrics NONE = new Metrics(Map.of(), Map.of());

    private final Map<String, Gauge> gauges;
    private final Map<String, Difference> differences;

    /// A value that is one mean minus another.
    private record Difference(String from, String what) {}

    /// How the values of two batches become one.
    private enum Kind {
        MEAN,
        SMALLEST,
        LARGEST
    }

    /// @param sum Σ weight · value, or the extreme value
    private record Gauge(Kind kind, double sum, double weight) {
        Gauge plus(Gauge other) {
            return switch (kind) {
                case MEAN -> new Gauge(kind, sum + other.sum, weight + other.weight);
                case SMALLEST -> new Gauge(kind, Math.min(sum, other.sum), 1);
                case LARGEST -> new Gauge(kind, Math.max(sum, other.sum), 1);
            };
        }
    }

    private Metrics(Map<String, Gauge> gauges, Map<String, Difference> differences) {
        this.gauges = new TreeMap<>(gauges);
        this.differences = new TreeMap<>(differences);
    }

    /// The same values, each measured once.
    public static Metrics of(Map<String, Double> values) {
        Builder builder = new Builder();
        values.forEach(builder::mean);
        return builder.build();
    }

    /// The metrics of both.
    public Metrics plus(Metrics other) {
        Map<String, Gauge> sum = new TreeMap<>(gauges);
        other.gauges.forEach((name, gauge) -> sum.merge(name, gauge, Gauge::plus));
        Map<String, Difference> both = new TreeMap<>(differences);
        both.putAll(other.differences);
        return new Metrics(sum, both);
    }

    /// The values by name; a mean over nothing is left out.
    public Map<String, Double> values() {
        Map<String, Double> values = new LinkedHashMap<>();
        gauges.forEach((name, gauge) -> {
            if (gauge.weight != 0) {
                values.put(name, gauge.kind == Kind.MEAN ? gauge.sum / gauge.weight : gauge.sum);
            }
        });
        differences.forEach((name, difference) -> {
            Double from = values.get(difference.from);
            Double what = values.get(difference.what);
            if (from != null && what != null) {
                values.put(name, from - what);
            }
        });
        return values;
    }

    /// Collects the metrics of one batch.
    public static final class Builder {
        private final Map<String, Gauge> gauges = new TreeMap<>();
        private final Map<String, Difference> differences = new TreeMap<>();

        /// The mean `from` minus the mean `what`, where there are both.
        public Builder difference(String name, String from, String what) {
            differences.put(name, new Difference(from, what));
            return this;
        }

        /// One more value of a mean.
        public Builder mean(String name, double value) {
            return mean(name, value, 1);
        }

        /// `weight` more values of a mean, `value` being theirs.
        public Builder mean(String name, double value, double weight) {
            return add(name, new Gauge(Kind.MEAN, value * weight, weight));
        }

        public Builder smallest(String name, double value) {
            return add(name, new Gauge(Kind.SMALLEST, value, 1));
        }

        public Builder largest(String name, double value) {
            return add(name, new Gauge(Kind.LARGEST, value, 1));
        }

        private Builder add(String name, Gauge gauge) {
            gauges.merge(name, gauge, Gauge::plus);
            return this;
        }

        public Metrics build() {
            return new Metrics(gauges, differences);
        }
    }
}
