package dev.tunesmith.bench.speed;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tunesmith.bench.PeerPython;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Runs our side and a peer's in turn, each in a process of its own, and compares the medians: on a
/// machine that others use too, only such ratios say something.
final class Alternation {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final List<String> own;
    private final List<String> peer;
    private final PrintStream progress;

    /// Both commands print figures as one JSON object in their last line.
    Alternation(List<String> own, List<String> peer, PrintStream progress) {
        this.own = own;
        this.peer = peer;
        this.progress = progress;
    }

    /// The command that starts this program's launcher.
    static String launcher() {
        return PeerPython.home().resolve("tunesmith").toString();
    }

    /// Medians of our figures; `peer` with the medians of the same figures; `ratio` with ours
    /// divided by the peer's.
    Map<String, Object> run(int rounds) {
        Map<String, List<Double>> ours = new LinkedHashMap<>();
        Map<String, List<Double>> theirs = new LinkedHashMap<>();
        for (int round = 0; round < rounds; round++) {
            collect(ours, "ours", own);
            collect(theirs, "peer", peer);
        }
        Map<String, Object> result = new LinkedHashMap<>(medians(ours));
        Map<String, Double> peers = medians(theirs);
        Map<String, Double> ratios = new LinkedHashMap<>();
        medians(ours)
                .forEach((name, value) -> {
                    Double other = peers.get(name);
                    if (other != null && other != 0) {
                        ratios.put(name, Figures.rounded(value / other));
                    }
                });
        result.put("peer", peers);
        result.put("ratio", ratios);
        return result;
    }

    private void collect(Map<String, List<Double>> into, String who, List<String> command) {
        JsonNode figures = lastLine(command);
        progress.printf("%s: %s%n", who, figures);
        figures.properties()
                .forEach(entry ->
                        into.computeIfAbsent(entry.getKey(), _ -> new ArrayList<>())
                                .add(entry.getValue().asDouble()));
    }

    private static Map<String, Double> medians(Map<String, List<Double>> values) {
        Map<String, Double> medians = new LinkedHashMap<>();
        values.forEach((name, all) ->
                medians.put(
                        name,
                        Figures.median(all.stream().mapToDouble(Double::doubleValue).toArray())));
        return medians;
    }

    /// Runs a command and reads the figures in its last line.
    ///
    /// @throws IllegalStateException if it fails
    static JsonNode lastLine(List<String> command) {
        try {
            Process process =
                    new ProcessBuilder(command)
                            .redirectError(ProcessBuilder.Redirect.INHERIT)
                            .start();
            String last = "";
            try (BufferedReader lines = process.inputReader()) {
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                    last = line;
                }
            }
            int status = process.waitFor();
            if (status != 0) {
                throw new IllegalStateException(
                        "%s ended with status %d".formatted(command, status));
            }
            return JSON.readTree(last);
        } catch (IOException e) {
            throw new UncheckedIOException("running " + command, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }
}
