package dev.tunesmith.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.io.UncheckedIOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `tunesmith models`: list what can be used, bring in a Hugging Face folder, take a model out.
@Command(
        name = "models",
        description = "List, import and export models.",
        mixinStandardHelpOptions = true)
@SuppressWarnings("NullAway.Init")
final class ModelsCommand {
    private static final int PIPE = 1 << 20;

    @Mixin private Connection connection;
    @Mixin private Output output;

    @Command(description = "List models.", mixinStandardHelpOptions = true)
    int ls() {
        JsonNode list = connection.open().get("/v1/models");
        var rows = new ArrayList<List<String>>();
        for (JsonNode model : list.path("data")) {
            rows.add(
                    List.of(
                            model.path("id").asText(),
                            model.path("x_kind").asText("-"),
                            model.path("owned_by").asText(),
                            Output.time(model.path("created"))));
        }
        output.table(list, List.of("ID", "KIND", "OWNER", "CREATED"), rows);
        return ExitCode.OK;
    }

    @Command(
            name = "import",
            description = "Import a model directory in Hugging Face layout.",
            mixinStandardHelpOptions = true)
    int importModel(
            @Parameters(paramLabel = "DIR") Path folder,
            @Option(names = "--name", required = true, paramLabel = "X") String name,
            @Option(names = "--base", description = "for every tenant; needs the operator's key")
                    boolean base) {
        JsonNode model =
                upload(base ? connection.openAsOperator() : connection.open(), folder, name, base);
        output.object(model, model.path("id").asText(name));
        return ExitCode.OK;
    }

    @Command(description = "Write a model's files into a folder.", mixinStandardHelpOptions = true)
    int export(
            @Parameters(paramLabel = "MODEL") String model,
            @Option(
                            names = {"-o", "--output"},
                            required = true,
                            paramLabel = "DIR")
                    Path target) {
        Api api = connection.open();
        String query = "?model=" + Api.quoted(model);
        JsonNode files = api.get("/api/v1/model-files" + query).path("data");
        try {
            Files.createDirectories(target);
        } catch (IOException e) {
            throw new CommandFailure(
                    ExitCode.USAGE, "cannot create " + target + ": " + e.getMessage());
        }
        for (JsonNode file : files) {
            String name = Path.of(file.path("name").asText()).getFileName().toString();
            api.download(
                    "/api/v1/model-files/content" + query + "&file=" + Api.quoted(name),
                    target.resolve(name));
        }
        output.object(files, files.size() + " files in " + target);
        return ExitCode.OK;
    }

    /// Streams the folder's regular files as a tar body; nothing is copied or held in memory.
    static JsonNode upload(Api api, Path folder, String name, boolean base) {
        List<Path> files;
        try (Stream<Path> list = Files.list(folder)) {
            files = list.filter(Files::isRegularFile).sorted().toList();
        } catch (IOException e) {
            throw new CommandFailure(
                    ExitCode.USAGE,
                    "cannot read the model folder " + folder + ": " + e.getMessage());
        }
        if (files.stream().noneMatch(file -> file.endsWith("config.json"))) {
            throw new CommandFailure(
                    ExitCode.USAGE,
                    folder + " has no config.json: a folder in Hugging Face layout is needed");
        }
        String path = "/api/v1/models?name=" + Api.quoted(name) + (base ? "&base=true" : "");
        return api.send(path, "application/x-tar", BodyPublishers.ofInputStream(() -> tar(files)));
    }

    private static PipedInputStream tar(List<Path> files) {
        try {
            var out = new PipedOutputStream();
            var in = new PipedInputStream(out, PIPE);
            Thread.ofVirtual().start(() -> pump(files, out));
            return in;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// A reader that went away breaks the pipe: the request has its own error then.
    private static void pump(List<Path> files, PipedOutputStream out) {
        try (out) {
            TarFolder.write(files, out);
        } catch (IOException _) {
            Thread.currentThread().interrupt();
        }
    }
}
