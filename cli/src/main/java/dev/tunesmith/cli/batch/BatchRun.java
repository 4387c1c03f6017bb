package dev.tunesmith.cli.batch;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tunesmith.cli.Api;
import dev.tunesmith.cli.CommandFailure;
import dev.tunesmith.cli.ExitCode;
import dev.tunesmith.cli.FilesCommand;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/// One batch of the server, from its file to its end.
public final class BatchRun {
    static final String PATH = "/v1/batches";

    private static final Set<String> OPEN =
            Set.of("validating", "in_progress", "finalizing", "cancelling");
    private static final long EVERY_MILLIS = 1000;

    private final Api api;

    public BatchRun(Api api) {
        this.api = api;
    }

    /// Makes a batch.
    ///
    /// @param input path of a file that is uploaded, or the id of one that was
    public JsonNode create(String input, String endpoint) {
        boolean local = Files.isRegularFile(Path.of(input));
        if (!local && !input.startsWith("file-")) {
            throw new CommandFailure(ExitCode.USAGE, "no such file: " + input);
        }
        ObjectNode body = Api.JSON.createObjectNode();
        body.put(
                        "input_file_id",
                        local
                                ? FilesCommand.upload(api, Path.of(input), "batch")
                                        .path("id")
                                        .asText()
                                : input)
                .put("endpoint", endpoint)
                .put("completion_window", "24h");
        return api.post(PATH, body);
    }

    JsonNode get(String id) {
        return api.get(PATH + "/" + Api.quoted(id));
    }

    /// Waits for the end.
    ///
    /// @param quiet says nothing on the way
    public JsonNode await(String id, boolean quiet) {
        String said = "";
        while (true) {
            JsonNode batch = get(id);
            String line = summary(batch);
            if (!quiet && !line.equals(said)) {
                System.err.println(line);
            }
            said = line;
            if (!OPEN.contains(batch.path("status").asText())) {
                return batch;
            }
            try {
                Thread.sleep(EVERY_MILLIS);
            } catch (InterruptedException _) {
                throw new CommandFailure(ExitCode.DETACHED, "interrupted; the batch goes on");
            }
        }
    }

    /// Fails with everything that was wrong unless a batch was completed.
    public static void requireCompleted(JsonNode batch) {
        String status = batch.path("status").asText();
        if (status.equals("completed")) {
            return;
        }
        var problems = new ArrayList<String>();
        for (JsonNode error : batch.path("errors").path("data")) {
            problems.add(
                    "%s%s: %s"
                            .formatted(
                                    error.path("line").isNumber()
                                            ? "line " + error.path("line") + ", "
                                            : "",
                                    error.path("param").asText(error.path("code").asText()),
                                    error.path("message").asText()));
        }
        throw new CommandFailure(
                status.equals("cancelled") ? ExitCode.CANCELLED : ExitCode.USAGE,
                "%s: %s".formatted(batch.path("id").asText(), status),
                List.copyOf(problems));
    }

    static String summary(JsonNode batch) {
        JsonNode counts = batch.path("request_counts");
        return "%s %s, %d of %d answered, %d refused"
                .formatted(
                        batch.path("id").asText(),
                        batch.path("status").asText(),
                        counts.path("completed").asInt(),
                        counts.path("total").asInt(),
                        counts.path("failed").asInt());
    }
}
