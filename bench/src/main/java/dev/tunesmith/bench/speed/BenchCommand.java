package dev.tunesmith.bench.speed;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tunesmith.bench.PeerPython;
import dev.tunesmith.contracts.fit.Recompute;
import dev.tunesmith.engine.gguf.DecodingWeights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `bench`: measures training and decoding of a model folder. The last line of output is one JSON
/// object; everything else goes to standard error.
@Command(
        name = "tunesmith bench",
        description = "Measure training and decoding on this machine.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "(train | decode | data | method | table | methods | model)")
@SuppressWarnings("NullAway.Init")
public final class BenchCommand implements Runnable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int ROUNDS = 3;

    @Spec private CommandSpec spec;

    private BenchCommand() {}

    /// Runs the words behind `bench` and returns the exit code.
    public static int run(List<String> words) {
        return new CommandLine(new BenchCommand())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setExecutionExceptionHandler((problem, _, _) -> {
                    System.err.println("tunesmith: " + problem.getMessage());
                    return 1;
                })
                .execute(words.toArray(String[]::new));
    }

    @Override
    public void run() {
        throw new ParameterException(
                spec.commandLine(), "name train, decode, data, method, table, methods or model");
    }

    @Command(description = "Train on random tokens in bf16.", mixinStandardHelpOptions = true)
    int train(
            @Option(names = "--model", required = true, paramLabel = "DIR") Path model,
            @Option(
                            names = "--method",
                            defaultValue = "lora",
                            description = "lora, qlora, full, dpo")
                    TrainSpeed.Method method,
            @Option(names = "--batch", defaultValue = "4") int batch,
            @Option(names = "--seq", defaultValue = "512") int seq,
            @Option(names = "--steps", defaultValue = "6") int steps,
            @Mixin Again again,
            @Option(names = "--peer", description = "beside what people use today, in turns")
                    boolean peer) {
        requireModel(model);
        positive("--batch", batch);
        positive("--seq", seq);
        positive("--steps", steps);
        if (method == TrainSpeed.Method.DPO && batch % 2 != 0) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--batch is %d; dpo needs an even number: two answers to each prompt"
                            .formatted(batch));
        }
        if (again.offload != null && again.recompute != Recompute.BLOCK) {
            throw new ParameterException(spec.commandLine(), "--offload needs --recompute block");
        }
        if (peer) {
            List<String> sizes =
                    List.of(
                            "--method",
                            lower(method),
                            "--batch",
                            "" + batch,
                            "--seq",
                            "" + seq,
                            "--steps",
                            "" + steps,
                            "--recompute",
                            lower(again.recompute));
            List<String> own =
                    again.offload == null ? List.of() : List.of("--offload", lower(again.offload));
            return compare("train", script("train.py"), model, sizes, own);
        }
        Recompute policy = again.offload == null ? again.recompute : Recompute.OFFLOAD;
        var setup = new TrainSpeed.Setup(model, method, batch, seq, steps, policy);
        return print(new TrainSpeed(setup, System.err).measure());
    }

    @Command(
            description =
                    "Check a training file without a tokenizer, or with --model turn it into"
                            + " tokens as a job does.",
            mixinStandardHelpOptions = true)
    int data(
            @Option(
                            names = "--file",
                            paramLabel = "FILE",
                            description = "a file of yours; without it one is made up")
                    Path file,
            @Option(names = "--megabytes", defaultValue = "500") int megabytes,
            @Option(names = "--rounds", defaultValue = "3") int rounds,
            @Mixin Tokens tokens)
            throws IOException {
        positive("--megabytes", megabytes);
        positive("--rounds", rounds);
        if (tokens.peer && tokens.model == null) {
            throw new ParameterException(spec.commandLine(), "--peer needs --model");
        }
        if (file != null) {
            return data(file, rounds, tokens);
        }
        Path made = Files.createTempFile("tunesmith-rows", ".jsonl");
        try {
            GeneratedRows.write(made, megabytes * 1_000_000L, 1);
            return data(made, rounds, tokens);
        } finally {
            Files.delete(made);
        }
    }

    /// What makes tokens of rows.
    static final class Tokens {
        @Option(
                names = "--model",
                paramLabel = "DIR",
                description = "a folder with a tokenizer: rows become tokens, in one pass")
        private @Nullable Path model;

        @Option(names = "--template", defaultValue = "chatml", description = "by its name")
        private String template = "chatml";

        @Option(names = "--length", defaultValue = "4096", description = "greatest, in tokens")
        private int length = 4096;

        @Option(
                names = "--survey",
                description = "the pass also finds what a job reports beside bad rows")
        private boolean survey;

        @Option(names = "--peer", description = "beside LLaMA-Factory, in turns")
        private boolean peer;
    }

    private static int data(Path file, int rounds, Tokens tokens) throws IOException {
        Path model = tokens.model;
        if (model == null) {
            return print(new DataSpeed(file, System.err).check(rounds));
        }
        if (!tokens.peer) {
            return print(
                    new DataSpeed(file, System.err)
                            .tokens(model, tokens.template, tokens.length, tokens.survey));
        }
        List<String> arguments = new ArrayList<>(List.of("--model", model.toString()));
        arguments.addAll(List.of("--file", file.toString(), "--template", tokens.template));
        arguments.addAll(List.of("--length", "" + tokens.length));
        List<String> own = new ArrayList<>(List.of(Alternation.launcher(), "bench", "data"));
        own.addAll(arguments);
        if (tokens.survey) {
            own.add("--survey");
        }
        List<String> peer =
                PeerPython.command(PeerPython.home(), "llamafactory", "data.py", arguments);
        return print(new Alternation(own, peer, System.err).run(rounds));
    }

    @Command(
            description =
                    "Train by one method on random rows, half prompt and half answer; where the"
                            + " model answers itself, that is measured too.",
            mixinStandardHelpOptions = true)
    int method(
            @Option(names = "--model", required = true, paramLabel = "DIR") Path model,
            @Option(
                            names = "--goal",
                            required = true,
                            description = "sft, dpo, kto, orpo, simpo, cpo, rm, grpo, ppo")
                    MethodSpeed.Goal goal,
            @Option(names = "--weights", defaultValue = "lora", description = "lora, qlora, full")
                    MethodSpeed.Weights weights,
            @Option(
                            names = "--batch",
                            defaultValue = "4",
                            description = "documents that go through the model at once")
                    int batch,
            @Option(names = "--seq", defaultValue = "512") int seq,
            @Option(names = "--steps", defaultValue = "3") int steps,
            @Option(names = "--peer", description = "beside trl, in turns") boolean peer)
            throws IOException {
        requireModel(model);
        positive("--batch", batch);
        positive("--seq", seq / 2);
        positive("--steps", steps);
        if (goal.hasPairs() && batch % 2 != 0) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--batch is %d; %s needs an even number: two answers to each prompt"
                            .formatted(batch, goal.word()));
        }
        if (peer) {
            List<String> sizes = new ArrayList<>(List.of("--goal", goal.word()));
            sizes.addAll(List.of("--weights", lower(weights), "--batch", "" + batch));
            sizes.addAll(List.of("--seq", "" + seq, "--steps", "" + steps));
            return compare("method", goal::peer, model, sizes, List.of());
        }
        var setup = new MethodSpeed.Setup(model, goal, weights, batch, seq, steps);
        return print(new MethodSpeed(setup, System.err).measure());
    }

    @Command(description = "Continue random prompts greedily.", mixinStandardHelpOptions = true)
    int decode(
            @Option(names = "--model", required = true, paramLabel = "DIR") Path model,
            @Option(names = "--prompt", defaultValue = "128") int prompt,
            @Option(names = "--new", defaultValue = "64") int fresh,
            @Option(names = "--batch", defaultValue = "1") int batch,
            @Option(names = "--weights", defaultValue = "bf16", description = "bf16, q8_0, q4_k_m")
                    DecodingWeights weights,
            @Option(names = "--peer", description = "${COMPLETION-CANDIDATES}, in turns")
                    Peer peer) {
        requireModel(model);
        positive("--prompt", prompt);
        positive("--batch", batch);
        if (fresh < 2) {
            throw new ParameterException(
                    spec.commandLine(), "--new is %d; needs at least 2".formatted(fresh));
        }
        if (peer != null) {
            List<String> sizes =
                    List.of("--prompt", "" + prompt, "--new", "" + fresh, "--batch", "" + batch);
            List<String> own = List.of("--weights", lower(weights));
            return compare("decode", script(peer.script), model, sizes, own);
        }
        var setup = new DecodeSpeed.Setup(model, prompt, fresh, batch, weights);
        return print(new DecodeSpeed(setup).measure());
    }

    @Command(
            description =
                    "Measure everything that has a target beside the peers, for both shapes, on an"
                            + " idle machine.",
            mixinStandardHelpOptions = true)
    int table(
            @Option(
                            names = "--minutes",
                            defaultValue = "20",
                            description = "no measurement begins later")
                    int minutes,
            @Option(
                            names = "--models",
                            paramLabel = "DIR",
                            description = "where models with random weights are or are written")
                    Path models)
            throws IOException {
        positive("--minutes", minutes);
        Path folder = models == null ? PeerPython.home().resolve("bench/target/models") : models;
        var table = new PeerTable(folder, Duration.ofMinutes(minutes), System.err);
        List<Target.Verdict> verdicts = table.measure();
        System.out.println("| Figure | ours | peer | ratio | product rate | target |");
        System.out.println("|---|---|---|---|---|---|");
        verdicts.forEach(verdict -> System.out.println(verdict.row()));
        Map<String, Object> all = new LinkedHashMap<>();
        verdicts.forEach(verdict -> all.put(verdict.name(), Figures.rounded(verdict.ratio())));
        return print(all);
    }

    @Command(
            description =
                    "Measure every training method with LoRA, QLoRA and all weights at the 135 M"
                            + " shape, beside trl where it has the method.",
            mixinStandardHelpOptions = true)
    int methods(
            @Option(
                            names = "--minutes",
                            defaultValue = "40",
                            description = "no measurement begins later")
                    int minutes,
            @Option(
                            names = "--models",
                            paramLabel = "DIR",
                            description = "where models with random weights are or are written")
                    Path models,
            @Option(names = "--goals", split = ",", description = "these methods only")
                    List<MethodSpeed.Goal> goals,
            @Option(names = "--weights", split = ",", description = "these only: lora, qlora, full")
                    List<MethodSpeed.Weights> weights,
            @Option(names = "--rounds", defaultValue = "100", description = "at most so many")
                    int rounds,
            @Option(names = "--alone", description = "without trl") boolean alone)
            throws IOException {
        positive("--minutes", minutes);
        Path folder = models == null ? PeerPython.home().resolve("bench/target/models") : models;
        var choice =
                new MethodTable.Choice(
                        folder,
                        goals == null ? List.of(MethodSpeed.Goal.values()) : goals,
                        weights == null ? List.of(MethodSpeed.Weights.values()) : weights,
                        !alone,
                        rounds);
        var table = new MethodTable(choice, Duration.ofMinutes(minutes), System.err);
        List<MethodTable.Row> rows = table.measure();
        System.out.println(MethodTable.HEADER);
        rows.forEach(row -> System.out.println(row.line()));
        Map<String, Object> all = new LinkedHashMap<>();
        rows.forEach(row -> all.put(row.name(), row.figures()));
        return print(all);
    }

    @Command(
            description = "Write a folder of a real shape with random weights.",
            mixinStandardHelpOptions = true)
    int model(
            @Parameters(paramLabel = "SHAPE", description = "${COMPLETION-CANDIDATES}")
                    RandomModel shape,
            @Parameters(paramLabel = "DIR") Path folder)
            throws IOException {
        shape.write(folder);
        System.err.println("written: " + folder);
        return 0;
    }

    /// Where inputs of blocks wait for the way back.
    enum Offload {
        DISK
    }

    /// What the backward pass computes again.
    static final class Again {
        @Option(names = "--recompute", description = "none, attention, selective, block")
        private Recompute recompute = Recompute.NONE;

        @Option(
                names = "--offload",
                description = "disk: with --recompute block, inputs of blocks wait in a file")
        private @Nullable Offload offload;
    }

    /// What decoding can be compared with.
    enum Peer {
        TRANSFORMERS("transformers", "decode.py"),
        LLAMA_CPP("llama.cpp", "decode_llama.py");

        private final String name;
        private final String script;

        Peer(String name, String script) {
            this.name = name;
            this.script = script;
        }

        /// The name on the command line.
        @Override
        public String toString() {
            return name;
        }
    }

    private static int compare(
            String what,
            Function<List<String>, List<String>> peer,
            Path model,
            List<String> sizes,
            List<String> ours) {
        List<String> arguments = new ArrayList<>(List.of("--model", model.toString()));
        arguments.addAll(sizes);
        List<String> own = new ArrayList<>(List.of(Alternation.launcher(), "bench", what));
        own.addAll(arguments);
        own.addAll(ours);
        return print(new Alternation(own, peer.apply(arguments), System.err).run(ROUNDS));
    }

    private static Function<List<String>, List<String>> script(String name) {
        return arguments -> PeerPython.command(PeerPython.home(), name, arguments);
    }

    private static int print(Map<String, Object> figures) {
        System.out.println(JSON.valueToTree(figures).toString());
        return 0;
    }

    private void requireModel(Path model) {
        if (!Files.isRegularFile(model.resolve("config.json"))) {
            throw new ParameterException(
                    spec.commandLine(),
                    ("--model %s has no config.json; name a model folder, or write one with:"
                                    + " tunesmith bench model smol135 DIR")
                            .formatted(model));
        }
    }

    private void positive(String option, int value) {
        if (value < 1) {
            throw new ParameterException(
                    spec.commandLine(), "%s is %d; needs at least 1".formatted(option, value));
        }
    }

    private static String lower(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }
}
