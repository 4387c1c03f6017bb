package dev.tunesmith.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `tunesmith train spec.yaml key=value …`: uploads what the spec names as paths, submits the job,
/// and follows it.
@Command(
        name = "train",
        description = "Submit a fine-tuning job.",
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "Examples:",
            "  tunesmith train spec.yaml lr=1e-4 rank=8 --wait",
            "  tunesmith train model=nano training_file=data.jsonl --wait",
            "  tunesmith train --from llamafactory sft.yaml model=nano --wait"
        })
@SuppressWarnings("NullAway.Init")
final class TrainCommand implements Callable<Integer> {
    @Mixin private Connection connection;
    @Mixin private Output output;

    @Parameters(
            paramLabel = "SPEC|key=value",
            arity = "1..*",
            description = "a spec file, then changes to it")
    private List<String> words;

    @Option(
            names = "--wait",
            description = "follow the job to its end; the exit code is its outcome")
    private boolean wait;

    @Option(
            names = "--timeout",
            paramLabel = "DURATION",
            description = "longest wait, as in PT30M (default: none)")
    private @Nullable Duration timeout;

    @Option(names = "--print-config", description = "print the request body and stop")
    private boolean printConfig;

    @Option(
            names = "--from",
            paramLabel = "TRAINER",
            description =
                    "the file is one of llamafactory, torchtune or axolotl: translate it, print the spec and what became of each option")
    private @Nullable String trainer;

    @Option(names = "--force", description = "with --from: go on without options that are refused")
    private boolean force;

    @Override
    public Integer call() {
        if (trainer != null) {
            return translated(trainer);
        }
        ObjectNode body = SpecFile.of(words).body();
        if (printConfig) {
            output.text(body.toPrettyString());
            return ExitCode.OK;
        }
        return run(connection.open(), body);
    }

    private int translated(String name) {
        ForeignSpec spec =
                ForeignSpec.read(name, Path.of(words.getFirst()), words.subList(1, words.size()));
        System.err.println(spec.yaml());
        spec.explain(System.err);
        spec.check(force);
        if (printConfig) {
            output.text(spec.body().toPrettyString());
            return ExitCode.OK;
        }
        Api api = connection.open();
        Path folder = ForeignSpec.rowsFolder();
        try {
            spec.writeRows(folder);
            upload(api, spec.body());
        } finally {
            ForeignSpec.remove(folder);
        }
        return run(api, spec.body());
    }

    private int run(Api api, ObjectNode body) {
        JsonNode job = submit(api, body);
        String id = job.path("id").asText();
        if (!wait) {
            output.object(job, id);
            return ExitCode.OK;
        }
        JsonNode ended = follow(api, id, deadline(timeout), output.isQuiet());
        output.object(ended, summary(ended));
        return Follower.exitCode(ended);
    }

    /// Uploads the files that the body names by path and creates the job.
    static JsonNode submit(Api api, ObjectNode body) {
        upload(api, body);
        return api.post("/v1/fine_tuning/jobs", body, UUID.randomUUID().toString());
    }

    /// Uploads the files that the body names by path, and names them by their ids.
    private static void upload(Api api, ObjectNode body) {
        List<SpecFile.FilePlace> local =
                SpecFile.files(body).stream()
                        .filter(place -> !SpecFile.isFileId(place.value()))
                        .toList();
        List<String> missing =
                local.stream()
                        .filter(place -> !Path.of(place.value()).toFile().isFile())
                        .map(place -> place.path() + ": no such file: " + place.value())
                        .toList();
        if (!missing.isEmpty()) {
            throw new CommandFailure(
                    ExitCode.USAGE, "the spec names files that are not there", missing);
        }
        var ids = new HashMap<String, String>();
        for (SpecFile.FilePlace place : local) {
            boolean rows = !place.key().equals("dataset_info");
            String purpose = rows ? "fine-tune" : "user_data";
            place.put(
                    ids.computeIfAbsent(
                            place.value(),
                            file ->
                                    FilesCommand.upload(api, Path.of(file), purpose)
                                            .path("id")
                                            .asText()));
        }
    }

    static Instant deadline(@Nullable Duration timeout) {
        return timeout == null ? Instant.MAX : Instant.now().plus(timeout);
    }

    /// Follows a job with a progress bar; Ctrl-C detaches and says how to come back.
    static JsonNode follow(Api api, String id, Instant deadline, boolean quiet) {
        var detached =
                new Thread(() ->
                        System.err.println(
                                "\nDetached; the job goes on. Come back with: tunesmith jobs logs -f "
                                        + id));
        Runtime.getRuntime().addShutdownHook(detached);
        java.io.OutputStream sink = quiet ? java.io.OutputStream.nullOutputStream() : System.err;
        var bar =
                new ProgressBar(
                        new java.io.PrintStream(
                                sink, true, java.nio.charset.StandardCharsets.UTF_8),
                        Output.hasColours());
        try {
            return new Follower(api, id, bar).follow(deadline);
        } finally {
            Runtime.getRuntime().removeShutdownHook(detached);
        }
    }

    static String summary(JsonNode job) {
        return switch (job.path("status").asText()) {
            case "succeeded" -> job.path("fine_tuned_model").asText();
            case "failed" -> "failed: " + job.path("error").path("message").asText();
            default -> job.path("status").asText();
        };
    }
}
