package dev.tunesmith.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.FileNotFoundException;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `tunesmith files`: upload, list, fetch and delete.
@Command(
        name = "files",
        description = "Upload, list, fetch and delete files.",
        mixinStandardHelpOptions = true)
@SuppressWarnings("NullAway.Init")
public final class FilesCommand {
    @Mixin private Connection connection;
    @Mixin private Output output;

    @Command(description = "Upload a file; prints its id.", mixinStandardHelpOptions = true)
    int push(
            @Parameters(paramLabel = "FILE") Path file,
            @Option(names = "--purpose", defaultValue = "fine-tune") String purpose) {
        JsonNode uploaded = upload(connection.open(), file, purpose);
        output.object(uploaded, uploaded.path("id").asText());
        return ExitCode.OK;
    }

    @Command(description = "List files, newest first.", mixinStandardHelpOptions = true)
    int ls() {
        JsonNode list = connection.open().get("/v1/files?limit=100");
        var rows = new ArrayList<List<String>>();
        for (JsonNode file : list.path("data")) {
            rows.add(
                    List.of(
                            file.path("id").asText(),
                            file.path("filename").asText(),
                            file.path("bytes").asText(),
                            file.path("purpose").asText(),
                            file.path("status").asText("-"),
                            Output.time(file.path("created_at"))));
        }
        output.table(list, List.of("ID", "NAME", "BYTES", "PURPOSE", "STATUS", "CREATED"), rows);
        return ExitCode.OK;
    }

    @Command(description = "Write a file's content to disk.", mixinStandardHelpOptions = true)
    int get(
            @Parameters(paramLabel = "ID") String id,
            @Option(
                            names = {"-o", "--output"},
                            required = true)
                    Path target) {
        connection.open().download("/v1/files/" + Api.quoted(id) + "/content", target);
        return ExitCode.OK;
    }

    @Command(
            description =
                    "Write every finding in a file's rows as JSON lines: file, line, kind, message.",
            mixinStandardHelpOptions = true)
    int findings(
            @Parameters(paramLabel = "ID") String id,
            @Option(names = "-o", paramLabel = "FILE", description = "write them there")
                    @Nullable Path target) {
        output.lines(connection.open(), "/api/v1/files/" + Api.quoted(id) + "/findings", target);
        return ExitCode.OK;
    }

    @Command(description = "Delete a file.", mixinStandardHelpOptions = true)
    int rm(@Parameters(paramLabel = "ID") String id) {
        JsonNode answer = connection.open().delete("/v1/files/" + Api.quoted(id));
        output.object(answer, "deleted " + id);
        return ExitCode.OK;
    }

    /// Streams a file as one multipart form; it is never held in memory.
    public static JsonNode upload(Api api, Path file, String purpose) {
        String boundary = "tunesmith-" + UUID.randomUUID();
        String name =
                file.getFileName()
                        .toString()
                        .replace("\"", "%22")
                        .replace("\n", "%0A")
                        .replace("\r", "%0D");
        String head =
                "--%1$s\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\n%2$s\r\n--%1$s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%3$s\"\r\nContent-Type: application/octet-stream\r\n\r\n"
                        .formatted(boundary, purpose, name);
        try {
            BodyPublisher body =
                    BodyPublishers.concat(
                            BodyPublishers.ofString(head, StandardCharsets.UTF_8),
                            BodyPublishers.ofFile(file),
                            BodyPublishers.ofString(
                                    "\r\n--" + boundary + "--\r\n", StandardCharsets.UTF_8));
            return api.send("/v1/files", "multipart/form-data; boundary=" + boundary, body);
        } catch (FileNotFoundException _) {
            throw new CommandFailure(ExitCode.USAGE, "no such file: " + file);
        }
    }
}
