package dev.tunesmith.cli.predict;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tunesmith.cli.Api;
import dev.tunesmith.cli.CommandFailure;
import dev.tunesmith.cli.ExitCode;
import dev.tunesmith.cli.batch.BatchRun;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.stream.Stream;

/// Answers that batches of the server have brought: the way of a data set that the server has. It
/// answers while nobody waits, and a call that comes again finds the batches of the one before.
final class BatchAnswers implements Answers {
    private final Map<Integer, String> texts = new HashMap<>();
    private final Map<Integer, String> refused = new HashMap<>();
    private final Map<Integer, JsonNode> likelihoods = new HashMap<>();

    private BatchAnswers() {}

    /// Has batches made of the requests and waits for them.
    static BatchAnswers of(Api api, Requests requests, boolean quiet) {
        var answers = new BatchAnswers();
        var run = new BatchRun(api);
        List<JsonNode> chats = created(run, requests.chats(), Asking.CHAT);
        List<JsonNode> scores = created(run, requests.scores(), Asking.SCORES);
        for (JsonNode batch : chats) {
            fetch(api, run, batch, quiet, answers::keepText);
        }
        for (JsonNode batch : scores) {
            fetch(api, run, batch, quiet, answers::keepLikelihood);
        }
        return answers;
    }

    private static List<JsonNode> created(BatchRun run, List<Path> files, String endpoint) {
        return files.stream().map(file -> run.findOrCreate(file, endpoint)).toList();
    }

    private static void fetch(
            Api api,
            BatchRun run,
            JsonNode begun,
            boolean quiet,
            BiConsumer<Integer, JsonNode> each) {
        JsonNode batch = run.await(begun.path("id").asText(), quiet);
        BatchRun.requireCompleted(batch);
        for (String file : List.of("output_file_id", "error_file_id")) {
            if (batch.path(file).isTextual()) {
                lines(api, batch.path(file).asText(), each);
            }
        }
    }

    private static void lines(Api api, String file, BiConsumer<Integer, JsonNode> each) {
        try {
            Path local = Files.createTempFile("tunesmith-answers", ".jsonl");
            try {
                api.download("/v1/files/" + Api.quoted(file) + "/content", local);
                try (Stream<String> lines = Files.lines(local)) {
                    for (String line : (Iterable<String>) lines::iterator) {
                        JsonNode answer = Api.JSON.readTree(line);
                        each.accept(Requests.row(answer.path("custom_id").asText()), answer);
                    }
                }
            } finally {
                Files.deleteIfExists(local);
            }
        } catch (IOException e) {
            throw new CommandFailure(ExitCode.OTHER, "answers of %s: %s".formatted(file, e));
        }
    }

    private void keepText(int row, JsonNode line) {
        JsonNode body = line.path("response").path("body");
        if (line.path("response").path("status_code").asInt() / 100 == 2) {
            texts.put(row, Asking.text(body));
        } else {
            refused.put(
                    row,
                    body.path("error")
                            .path("message")
                            .asText(line.path("error").path("message").asText("no answer")));
        }
    }

    private void keepLikelihood(int row, JsonNode line) {
        likelihoods.put(row, Asking.likelihood(line.path("response").path("body")));
    }

    @Override
    public String predicted(PredictedRow row) {
        String text = texts.get(row.number());
        if (text == null) {
            throw new CommandFailure(
                    ExitCode.USAGE, refused.getOrDefault(row.number(), "no answer"));
        }
        return text;
    }

    @Override
    public JsonNode likelihood(PredictedRow row) {
        ObjectNode none = Api.JSON.createObjectNode();
        return likelihoods.getOrDefault(row.number(), none);
    }
}
