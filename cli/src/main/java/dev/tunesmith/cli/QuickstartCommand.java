package dev.tunesmith.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// The main job from end to end on a stack that is already up: import the bundled model, upload the
/// example, train a LoRA adapter, and let base and tuned model answer the same question.
@Command(name = "quickstart", hidden = true)
@SuppressWarnings("NullAway.Init")
final class QuickstartCommand implements Callable<Integer> {
    private static final String BASE = "nano";
    private static final String SPEC = "examples/quickstart/spec.yaml";

    @Mixin private Connection connection;

    @Option(names = "--home", defaultValue = "${sys:tunesmith.home}")
    private Path home;

    @Option(names = "--question", defaultValue = "Tell me the price of tea at the café.")
    private String question;

    @Override
    public Integer call() {
        Instant started = Instant.now();
        Api api = connection.open();
        say("1. The base model \"%s\"".formatted(BASE));
        register();
        say("2. Uploading the example and creating the job (%s)".formatted(SPEC));
        ObjectNode body = SpecFile.read(home.resolve(SPEC)).body();
        JsonNode job = TrainCommand.submit(api, body);
        String id = job.path("id").asText();
        say("   job %s".formatted(id));
        say("3. Training");
        JsonNode ended =
                TrainCommand.follow(api, id, Instant.now().plus(Duration.ofMinutes(30)), false);
        if (Follower.exitCode(ended) != ExitCode.OK) {
            System.err.println("The job " + TrainCommand.summary(ended));
            return Follower.exitCode(ended);
        }
        showValidation(api.get("/v1/fine_tuning/jobs/" + id + "/events?limit=100"));
        String tuned = ended.path("fine_tuned_model").asText();
        say("4. The same question to both: \"%s\"".formatted(question));
        ask(api, BASE, "base ");
        ask(api, tuned, "tuned");
        say("");
        say(
                "Done in %s. The server is %s, its API key is in TUNESMITH_API_KEY or in keys.properties of the data folder:"
                        .formatted(
                                ProgressBar.duration(
                                        Duration.between(started, Instant.now()).toSeconds()),
                                connection.address()));
        say("  %s".formatted(connection.key()));
        say("Next:");
        say("  ./tunesmith up                                   keep the platform running");
        say("  ./tunesmith chat %s".formatted(tuned));
        say("  ./tunesmith train %s training_file=YOURS.jsonl --wait".formatted(SPEC));
        return ExitCode.OK;
    }

    /// A second run finds the model already there.
    private void register() {
        try {
            JsonNode _ =
                    ModelsCommand.upload(
                            connection.openAsOperator(),
                            home.resolve("examples/nano/model"),
                            BASE,
                            true);
            say("   registered");
        } catch (CommandFailure e) {
            if (e.exitCode() != ExitCode.CONFLICT) {
                throw e;
            }
            say("   already registered");
        }
    }

    /// Events come newest first; the first and the last validation of the run frame it.
    private static void showValidation(JsonNode events) {
        JsonNode before = MissingNode.getInstance();
        JsonNode after = MissingNode.getInstance();
        for (JsonNode event : events.path("data")) {
            if (event.path("data").hasNonNull("valid_loss")) {
                before = event.path("data");
                after = after.isMissingNode() ? before : after;
            }
        }
        say("   validation loss      " + change(before, after, "valid_loss", "%.4f"));
        say(
                "   validation accuracy  "
                        + change(before, after, "valid_mean_token_accuracy", "%.3f"));
    }

    private static String change(JsonNode before, JsonNode after, String key, String format) {
        return String.format(
                Locale.ROOT,
                format + " → " + format,
                before.path(key).asDouble(),
                after.path(key).asDouble());
    }

    private void ask(Api api, String model, String label) {
        ArrayNode messages = Api.JSON.createArrayNode();
        ChatCommand.add(messages, "user", question);
        System.out.print("   " + label + "  ");
        String _ =
                ChatCommand.stream(
                        api, ChatCommand.request(model, messages, 64), System.out::print);
        System.out.println();
    }

    private static void say(String line) {
        System.out.println(line);
    }
}
