package dev.tunesmith.cli.batch;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tunesmith.cli.Api;
import dev.tunesmith.cli.CommandFailure;
import dev.tunesmith.cli.ExitCode;
import dev.tunesmith.cli.FilesCommand;
import dev.tunesmith.contracts.id.Sha256;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/// One batch of the server, from its file to its end.
public final class BatchRun {
    static final String PATH = "/v1/batches";

    private static final Set<String> OPEN =
            Set.of("validating", "in_progress", "finalizing", "cancelling");

    /// Where a batch says what it was made of.
    private static final String DIGEST = "requests_sha256";

    private static final long EVERY_MILLIS = 1000;

    private final Api api;

    public BatchRun(Api api) {
        this.api = api;
    }

    /// Makes a batch.
    ///
    /// @param input path of a file that is uploaded, or the id of one that was
    JsonNode create(String input, String endpoint) {
        boolean local = Files.isRegularFile(Path.of(input));
        if (!local && !input.startsWith("file-")) {
            throw new CommandFailure(ExitCode.USAGE, "no such file: " + input);
        }
        return create(local ? uploaded(Path.of(input)) : input, endpoint, Map.of());
    }

    /// The batch of a file's requests: one that an earlier call made and that goes on or was
    /// completed, or a new one. So a call that was interrupted goes on where it was.
    public JsonNode findOrCreate(Path requests, String endpoint) {
        String digest = digest(requests);
        for (JsonNode batch : api.get(PATH + "?limit=100").path("data")) {
            String status = batch.path("status").asText();
            if (batch.path("metadata").path(DIGEST).asText().equals(digest)
                    && batch.path("endpoint").asText().equals(endpoint)
                    && (OPEN.contains(status) || status.equals("completed"))) {
                return batch;
            }
        }
        return create(uploaded(requests), endpoint, Map.of(DIGEST, digest));
    }

    private String uploaded(Path requests) {
        return FilesCommand.upload(api, requests, "batch").path("id").asText();
    }

    private JsonNode create(String file, String endpoint, Map<String, String> metadata) {
        ObjectNode body = Api.JSON.createObjectNode();
        body.put("input_file_id", file)
                .put("endpoint", endpoint)
                .put("completion_window", "24h")
                .set("metadata", Api.JSON.valueToTree(metadata));
        return api.post(PATH, body, UUID.randomUUID().toString());
    }

    private static String digest(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            return Sha256.of(in);
        } catch (IOException e) {
            throw new CommandFailure(ExitCode.OTHER, "reading %s: %s".formatted(file, e));
        }
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
