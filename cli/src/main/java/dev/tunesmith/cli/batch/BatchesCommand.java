package dev.tunesmith.cli.batch;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tunesmith.cli.Api;
import dev.tunesmith.cli.Connection;
import dev.tunesmith.cli.ExitCode;
import dev.tunesmith.cli.Output;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `tunesmith batches`: files of requests, answered while nobody waits.
@Command(
        name = "batches",
        description = "Have files of requests answered, list them, fetch answers, cancel.",
        mixinStandardHelpOptions = true)
@SuppressWarnings("NullAway.Init")
public final class BatchesCommand {
    @Mixin private Connection connection;
    @Mixin private Output output;

    @Command(
            description = "Answer a file of requests; prints the id of the batch.",
            mixinStandardHelpOptions = true)
    int create(
            @Parameters(
                            paramLabel = "FILE|ID",
                            description = "JSON lines of custom_id, method, url and body")
                    String input,
            @Option(names = "--endpoint", defaultValue = "/v1/chat/completions") String endpoint,
            @Option(names = "--wait", description = "stay until it ends") boolean wait) {
        var run = new BatchRun(connection.open());
        JsonNode batch = run.create(input, endpoint);
        if (wait) {
            batch = run.await(batch.path("id").asText(), output.isQuiet());
            BatchRun.requireCompleted(batch);
        }
        output.object(batch, batch.path("id").asText());
        return ExitCode.OK;
    }

    @Command(description = "List batches, newest first.", mixinStandardHelpOptions = true)
    int list(@Option(names = "--limit", defaultValue = "20") int limit) {
        JsonNode list = connection.open().get(BatchRun.PATH + "?limit=" + limit);
        var rows = new ArrayList<List<String>>();
        for (JsonNode batch : list.path("data")) {
            JsonNode counts = batch.path("request_counts");
            rows.add(
                    List.of(
                            batch.path("id").asText(),
                            batch.path("status").asText(),
                            counts.path("completed").asText() + "/" + counts.path("total").asText(),
                            counts.path("failed").asText(),
                            batch.path("model").asText("-"),
                            Output.time(batch.path("created_at"))));
        }
        output.table(
                list, List.of("ID", "STATUS", "ANSWERED", "REFUSED", "MODEL", "CREATED"), rows);
        return ExitCode.OK;
    }

    @Command(
            description = "Show a batch; with -o write its answers to disk.",
            mixinStandardHelpOptions = true)
    int get(
            @Parameters(paramLabel = "ID") String id,
            @Option(
                            names = {"-o", "--output"},
                            paramLabel = "FILE",
                            description = "for the answers")
                    @Nullable Path answers,
            @Option(names = "--errors", paramLabel = "FILE", description = "for what was refused")
                    @Nullable Path errors) {
        Api api = connection.open();
        JsonNode batch = new BatchRun(api).get(id);
        download(api, batch.path("output_file_id"), answers);
        download(api, batch.path("error_file_id"), errors);
        var lines = new ArrayList<String>();
        lines.add(BatchRun.summary(batch));
        for (JsonNode error : batch.path("errors").path("data")) {
            lines.add(
                    "line %s: %s"
                            .formatted(
                                    error.path("line").asText("-"),
                                    error.path("message").asText()));
        }
        output.object(batch, String.join("\n", lines));
        return ExitCode.OK;
    }

    private static void download(Api api, JsonNode file, @Nullable Path target) {
        if (target != null && file.isTextual()) {
            api.download("/v1/files/" + Api.quoted(file.asText()) + "/content", target);
        }
    }

    @Command(
            description = "End a batch; what was answered is kept.",
            mixinStandardHelpOptions = true)
    int cancel(@Parameters(paramLabel = "ID") String id) {
        JsonNode batch =
                connection
                        .open()
                        .post(
                                BatchRun.PATH + "/" + Api.quoted(id) + "/cancel",
                                Api.JSON.createObjectNode());
        output.object(batch, BatchRun.summary(batch));
        return ExitCode.OK;
    }
}
