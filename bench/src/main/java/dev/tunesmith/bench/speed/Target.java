package dev.tunesmith.bench.speed;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Stream;

/// What one figure of the [PeerTable] has to reach.
///
/// @param name of the figure in the table
/// @param ours the measurement and the figure of our side
/// @param peer whose figure ours is divided by, or another measurement of our side
/// @param bound what the ratio must reach, or stay below
/// @param most whether the bound is from above
/// @param share of the product rate which is enough instead; 0 for none
record Target(String name, Place ours, Place peer, double bound, boolean most, double share) {
    private static final String RATE = "tokens_per_second";
    private static final String MEMORY = "peak_rss_gib";
    private static final double ENOUGH = 0.6;

    /// Where a figure stands.
    record Place(String measurement, String side, String figure) {}

    /// All of them, for each shape.
    static final List<Target> ALL =
            Stream.of(
                            training("lora", 4),
                            training("lora long", 4),
                            training("full", 3),
                            training("dpo", 4),
                            training("qlora", 4),
                            Stream.of(qloraBesideLora(), coldStart()),
                            reading("transformers", 4),
                            reading("llama.cpp", 3),
                            continuing("decode 1", "llama.cpp", 1),
                            continuing("decode 8", "transformers", 3),
                            continuing("decode 32", "transformers", 3))
                    .flatMap(targets -> targets)
                    .toList();

    private static Stream<Target> training(String method, double times) {
        return Stream.of(
                least(method + " tok/s", method, "transformers", RATE, times, ENOUGH),
                memory(method, "transformers"));
    }

    private static Stream<Target> reading(String peer, double times) {
        String figure = "prefill_tokens_per_second";
        return Stream.of(least("prefill tok/s / " + peer, "prefill", peer, figure, times, ENOUGH));
    }

    private static Stream<Target> continuing(String name, String peer, double times) {
        return Stream.of(
                least(name + " tok/s", name, peer, "decode_tokens_per_second", times, 0),
                memory(name, peer));
    }

    private static Target least(
            String name,
            String measurement,
            String peer,
            String figure,
            double times,
            double share) {
        Place ours = new Place(measurement, "ours", figure);
        return new Target(name, ours, new Place(measurement, peer, figure), times, false, share);
    }

    private static Target memory(String measurement, String peer) {
        Place ours = new Place(measurement, "ours", MEMORY);
        Place theirs = new Place(measurement, peer, MEMORY);
        return new Target(measurement + " GiB", ours, theirs, 0.5, true, 0);
    }

    private static Target qloraBesideLora() {
        Place ours = new Place("qlora", "ours", RATE);
        return new Target("qlora / lora", ours, new Place("lora", "ours", RATE), 0.95, false, 0);
    }

    private static Target coldStart() {
        String figure = "first_step_seconds";
        Place ours = new Place("lora", "ours", figure);
        return new Target(
                "first step, s", ours, new Place("lora", "transformers", figure), 0.25, true, 0);
    }

    /// The figures of one measurement, by side.
    static final class Found {
        private final Map<String, Map<String, List<Double>>> sides = new HashMap<>();

        void add(String side, JsonNode figures) {
            Map<String, List<Double>> own = sides.computeIfAbsent(side, _ -> new HashMap<>());
            figures.properties()
                    .forEach(entry ->
                            own.computeIfAbsent(entry.getKey(), _ -> new ArrayList<>())
                                    .add(entry.getValue().asDouble()));
        }

        private OptionalDouble median(String side, String figure) {
            List<Double> values =
                    sides.getOrDefault(side, Map.of()).getOrDefault(figure, List.of());
            return values.isEmpty()
                    ? OptionalDouble.empty()
                    : OptionalDouble.of(
                            Figures.median(
                                    values.stream().mapToDouble(Double::doubleValue).toArray()));
        }
    }

    /// A line of the table.
    ///
    /// @param met empty when a side was not measured
    record Verdict(
            String name,
            double ours,
            double peer,
            double ratio,
            double share,
            Optional<Boolean> met) {

        /// As a row of a Markdown table.
        String row() {
            return String.format(
                    Locale.ROOT,
                    "| %s | %.4g | %.4g | %.3g | %s | %s |",
                    name,
                    ours,
                    peer,
                    ratio,
                    share > 0 ? String.format(Locale.ROOT, "%.0f %%", 100 * share) : "–",
                    met.map(yes -> yes ? "met" : "**not met**").orElse("not measured"));
        }
    }

    Verdict judge(String prefix, Map<String, Found> found) {
        OptionalDouble own = value(prefix, found, ours);
        OptionalDouble other = value(prefix, found, peer);
        Place rate = new Place(ours.measurement(), "ours", "product_rate_share");
        double reached = share > 0 ? value(prefix, found, rate).orElse(0) : 0;
        if (own.isEmpty() || other.isEmpty()) {
            return new Verdict(
                    prefix + name, own.orElse(0), other.orElse(0), 0, reached, Optional.empty());
        }
        double ratio = own.getAsDouble() / other.getAsDouble();
        boolean met = most ? ratio <= bound : ratio >= bound || (share > 0 && reached >= share);
        return new Verdict(
                prefix + name,
                own.getAsDouble(),
                other.getAsDouble(),
                ratio,
                reached,
                Optional.of(met));
    }

    private static OptionalDouble value(String prefix, Map<String, Found> found, Place place) {
        Found measured = found.get(prefix + place.measurement());
        return measured == null
                ? OptionalDouble.empty()
                : measured.median(place.side(), place.figure());
    }
}
