package dev.tunesmith.bench.speed;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tunesmith.bench.PeerPython;
import dev.tunesmith.bench.speed.Target.Found;
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

/// All figures that have a target, for both shapes, beside what people use today: one command for
/// an idle machine. Every measurement is done once, our side and the peers in turn, before any is
/// done again; what the time does not suffice for is missing from the table.
final class PeerTable {
    private static final List<RandomModel> SHAPES =
            List.of(RandomModel.SMOL135, RandomModel.QWEN05);
    private static final String OURS = "ours";
    private static final String TRANSFORMERS = "transformers";
    private static final String LLAMA_CPP = "llama.cpp";

    private final Path models;
    private final long deadline;
    private final PrintStream progress;
    private final Map<String, Found> found = new LinkedHashMap<>();

    /// One thing to measure: the same sizes for everybody.
    private record Measurement(
            RandomModel shape, String what, String name, List<String> peers, List<String> sizes) {
        String title() {
            return shape.name().toLowerCase(Locale.ROOT) + " " + name;
        }
    }

    /// @param models folder of the models with random weights; they are written when missing
    /// @param time no measurement begins after it
    /// @param progress gets a line for each run
    PeerTable(Path models, Duration time, PrintStream progress) {
        this.models = models;
        this.deadline = System.nanoTime() + time.toNanos();
        this.progress = progress;
    }

    /// Measures and returns a line for each target.
    List<Target.Verdict> measure() throws IOException {
        List<Measurement> all = new ArrayList<>();
        for (RandomModel shape : SHAPES) {
            Path folder = folder(shape);
            if (!Files.isRegularFile(folder.resolve("config.json"))) {
                shape.write(folder);
            }
            all.addAll(measurements(shape));
        }
        boolean more = true;
        for (int round = 0; more; round++) {
            for (Measurement one : all) {
                more = System.nanoTime() < deadline;
                if (!more) {
                    break;
                }
                progress.printf("round %d: %s%n", round + 1, one.title());
                take(one);
            }
        }
        List<Target.Verdict> verdicts = new ArrayList<>();
        for (RandomModel shape : SHAPES) {
            String prefix = shape.name().toLowerCase(Locale.ROOT) + " ";
            Target.ALL.forEach(target -> verdicts.add(target.judge(prefix, found)));
        }
        return verdicts;
    }

    private Path folder(RandomModel shape) {
        return models.resolve(shape.name().toLowerCase(Locale.ROOT));
    }

    /// The large shape trains on a quarter of the tokens, which takes as long.
    private static List<Measurement> measurements(RandomModel shape) {
        boolean large = shape == RandomModel.QWEN05;
        List<Measurement> all = new ArrayList<>();
        for (TrainSpeed.Method method : TrainSpeed.Method.values()) {
            String batch = !large ? "4" : method == TrainSpeed.Method.DPO ? "2" : "1";
            all.add(train(shape, method, batch, large && batch.equals("2") ? "256" : "512"));
        }
        if (!large) {
            all.add(train(shape, TrainSpeed.Method.LORA, "1", "2048"));
        }
        all.add(decode(shape, "decode 1", List.of(TRANSFORMERS, LLAMA_CPP), "128", "32", "1"));
        all.add(decode(shape, "decode 8", List.of(TRANSFORMERS), "128", "32", "8"));
        all.add(decode(shape, "decode 32", List.of(TRANSFORMERS), "128", "32", "32"));
        all.add(decode(shape, "prefill", List.of(TRANSFORMERS, LLAMA_CPP), "512", "4", "1"));
        return all;
    }

    private static Measurement train(
            RandomModel shape, TrainSpeed.Method method, String batch, String length) {
        String word = method.name().toLowerCase(Locale.ROOT);
        return new Measurement(
                shape,
                "train",
                length.equals("2048") ? word + " long" : word,
                List.of(TRANSFORMERS),
                List.of("--method", word, "--batch", batch, "--seq", length, "--steps", "3"));
    }

    private static Measurement decode(
            RandomModel shape,
            String name,
            List<String> peers,
            String prompt,
            String fresh,
            String batch) {
        List<String> sizes = List.of("--prompt", prompt, "--new", fresh, "--batch", batch);
        return new Measurement(shape, "decode", name, peers, sizes);
    }

    private void take(Measurement one) {
        List<String> arguments =
                new ArrayList<>(List.of("--model", folder(one.shape()).toString()));
        arguments.addAll(one.sizes());
        List<String> own = new ArrayList<>(List.of(Alternation.launcher(), "bench", one.what()));
        own.addAll(arguments);
        run(one, OURS, own);
        for (String peer : one.peers()) {
            String script = script(one, peer);
            run(one, peer, PeerPython.command(PeerPython.home(), script, arguments));
        }
    }

    private static String script(Measurement one, String peer) {
        if (one.what().equals("train")) {
            return "train.py";
        }
        return peer.equals(LLAMA_CPP) ? "decode_llama.py" : "decode.py";
    }

    /// A side that fails must not take the whole table with it.
    private void run(Measurement one, String side, List<String> command) {
        try {
            JsonNode figures = Alternation.lastLine(command);
            progress.printf("  %s: %s%n", side, figures);
            found.computeIfAbsent(one.title(), _ -> new Found()).add(side, figures);
        } catch (IllegalStateException e) {
            progress.printf("  %s failed: %s%n", side, e.getMessage());
        }
    }
}
