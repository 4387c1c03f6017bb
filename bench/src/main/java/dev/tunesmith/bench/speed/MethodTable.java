package dev.tunesmith.bench.speed;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;

/// Every training method with LoRA, QLoRA and all weights at the 135 M shape, beside TRL: each is
/// measured once, our side and TRL in turn, before any is measured again; what the time does not
/// suffice for is missing. LoRA comes first, for which the targets hold.
final class MethodTable {
    static final String HEADER =
            "| Method | tok/s | GiB | product rate | drawn tok/s | TRL tok/s | ratio | TRL GiB |"
                    + " target |\n|---|---|---|---|---|---|---|---|---|";

    private static final String RATE = "tokens_per_second";
    private static final String MEMORY = "peak_rss_gib";
    private static final String SHARE = "product_rate_share";
    private static final double ENOUGH = 0.6;

    private final Choice choice;
    private final long deadline;
    private final PrintStream progress;
    private final Map<String, Map<String, List<Double>>> ours = new LinkedHashMap<>();
    private final Map<String, Map<String, List<Double>>> theirs = new LinkedHashMap<>();

    /// What is measured.
    ///
    /// @param models folder of the models with random weights; they are written when missing
    /// @param peers whether TRL is measured too
    /// @param rounds at most, if there is time for them
    record Choice(
            Path models,
            List<MethodSpeed.Goal> goals,
            List<MethodSpeed.Weights> weights,
            boolean peers,
            int rounds) {
        Choice {
            goals = List.copyOf(goals);
            weights = List.copyOf(weights);
        }
    }

    /// One line: medians, and what has to be reached.
    ///
    /// @param peer empty where TRL has no such method or was not measured
    record Row(
            MethodSpeed.Goal goal, String name, Map<String, Double> own, Map<String, Double> peer) {

        private OptionalDouble ratio() {
            Double rate = peer.get(RATE);
            return rate == null || !own.containsKey(RATE)
                    ? OptionalDouble.empty()
                    : OptionalDouble.of(own.get(RATE) / rate);
        }

        /// The row of the table.
        String line() {
            return "| %s | %s | %s | %s | %s | %s | %s | %s | %s |"
                    .formatted(
                            name,
                            shown(own.get(RATE), "%.0f"),
                            shown(own.get(MEMORY), "%.2f"),
                            shown(own.get(SHARE), "%.2f"),
                            shown(own.get("drawn_tokens_per_second"), "%.0f"),
                            shown(peer.get(RATE), "%.0f"),
                            ratio().isPresent() ? shown(ratio().getAsDouble(), "%.1f") : "",
                            shown(peer.get(MEMORY), "%.2f"),
                            verdict());
        }

        private String verdict() {
            double times = goal == MethodSpeed.Goal.PPO ? 3 : 4;
            boolean fast = ratio().isPresent() && ratio().getAsDouble() >= times;
            boolean enough = own.getOrDefault(SHARE, 0.0) >= ENOUGH;
            return "%.0f × or 60 %%: %s".formatted(times, fast || enough ? "met" : "not met");
        }

        /// All medians and the ratio.
        Map<String, Object> figures() {
            Map<String, Object> all = new LinkedHashMap<>(own);
            if (ratio().isPresent()) {
                all.put("peer", peer);
                all.put("ratio", Figures.rounded(ratio().getAsDouble()));
            }
            return all;
        }

        private static String shown(@org.jspecify.annotations.Nullable Double value, String form) {
            return value == null ? "" : String.format(Locale.ROOT, form, value);
        }
    }

    /// @param time no measurement begins after it
    /// @param progress gets a line for each run
    MethodTable(Choice choice, Duration time, PrintStream progress) {
        this.choice = choice;
        this.deadline = System.nanoTime() + time.toNanos();
        this.progress = progress;
    }

    /// Measures and returns a row for each method and choice of weights that there was time for.
    List<Row> measure() throws IOException {
        Path folder = choice.models().resolve("smol135");
        if (!Files.isRegularFile(folder.resolve("config.json"))) {
            RandomModel.SMOL135.write(folder);
        }
        for (int round = 0; round < choice.rounds() && System.nanoTime() < deadline; round++) {
            for (MethodSpeed.Weights weights : choice.weights()) {
                for (MethodSpeed.Goal goal : choice.goals()) {
                    take(folder, goal, weights, round);
                }
            }
        }
        List<Row> rows = new ArrayList<>();
        for (MethodSpeed.Goal goal : choice.goals()) {
            for (MethodSpeed.Weights weights : choice.weights()) {
                String name = name(goal, weights);
                if (ours.containsKey(name) || theirs.containsKey(name)) {
                    rows.add(new Row(goal, name, medians(ours, name), medians(theirs, name)));
                }
            }
        }
        return rows;
    }

    private static String name(MethodSpeed.Goal goal, MethodSpeed.Weights weights) {
        return goal.word() + " " + weights.name().toLowerCase(Locale.ROOT);
    }

    /// Once by us and once by TRL, which draws and learns in batches of the same size; of PPO that
    /// is its last release that has it, and one step, which takes minutes.
    private void take(Path folder, MethodSpeed.Goal goal, MethodSpeed.Weights weights, int round) {
        if (System.nanoTime() >= deadline) {
            return;
        }
        String name = name(goal, weights);
        progress.printf("round %d: %s%n", round + 1, name);
        List<String> own = new ArrayList<>(List.of(Alternation.launcher(), "bench", "method"));
        own.addAll(arguments(folder, goal, weights, goal.draws() ? 2 : 3));
        run(ours, name, own);
        if (choice.peers() && System.nanoTime() < deadline) {
            int steps = goal == MethodSpeed.Goal.PPO ? 1 : 2;
            run(theirs, name, goal.peer(arguments(folder, goal, weights, steps)));
        }
    }

    private static List<String> arguments(
            Path folder, MethodSpeed.Goal goal, MethodSpeed.Weights weights, int steps) {
        return List.of(
                "--model",
                folder.toString(),
                "--goal",
                goal.word(),
                "--weights",
                weights.name().toLowerCase(Locale.ROOT),
                "--batch",
                "4",
                "--seq",
                goal.draws() ? "256" : "512",
                "--steps",
                Integer.toString(steps));
    }

    /// A side that fails must not take the whole table with it.
    private void run(
            Map<String, Map<String, List<Double>>> into, String name, List<String> command) {
        try {
            JsonNode figures = Alternation.lastLine(command);
            progress.printf("  %s%n", figures);
            Map<String, List<Double>> values =
                    into.computeIfAbsent(name, _ -> new LinkedHashMap<>());
            figures.properties()
                    .forEach(entry ->
                            values.computeIfAbsent(entry.getKey(), _ -> new ArrayList<>())
                                    .add(entry.getValue().asDouble()));
        } catch (IllegalStateException e) {
            progress.printf("  failed: %s%n", e.getMessage());
        }
    }

    private static Map<String, Double> medians(
            Map<String, Map<String, List<Double>>> from, String name) {
        Map<String, Double> medians = new LinkedHashMap<>();
        from.getOrDefault(name, Map.of())
                .forEach((figure, all) ->
                        medians.put(
                                figure,
                                Figures.median(
                                        all.stream().mapToDouble(Double::doubleValue).toArray())));
        return medians;
    }
}
