package dev.tunesmith.cli.data;

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
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// One data task on the server, from the upload of its file to its end. Files that it uploaded are
/// deleted again.
final class DataTaskRun {

    private static final long POLL_MILLIS = 300;
    private static final String TASKS = "/api/v1/data/tasks";

    private final Api api;
    private final ObjectNode wish;
    private final List<String> uploaded = new ArrayList<>();

    DataTaskRun(Api api, String verb) {
        this.api = api;
        this.wish = Api.JSON.createObjectNode().put("verb", verb);
    }

    /// What is asked for; the caller adds to it.
    ObjectNode wish() {
        return wish;
    }

    static void put(ObjectNode tree, String key, @Nullable String value) {
        if (value != null) {
            tree.put(key, value);
        }
    }

    /// Names a second file.
    void second(@Nullable String file) {
        if (file != null) {
            wish.put("validation_file", id(file));
        }
    }

    /// Does the task for a file and waits for its end; an interrupt cancels it.
    JsonNode of(String file) {
        try {
            wish.put("file", id(file));
            JsonNode task = api.post(TASKS, wish);
            String path = TASKS + "/" + Api.quoted(task.path("id").asText());
            Thread cancel =
                    new Thread(() -> api.post(path + "/cancel", Api.JSON.createObjectNode()));
            Runtime.getRuntime().addShutdownHook(cancel);
            task = ended(path);
            Runtime.getRuntime().removeShutdownHook(cancel);
            return succeeded(task);
        } finally {
            uploaded.forEach(id -> api.delete("/v1/files/" + Api.quoted(id)));
        }
    }

    private JsonNode ended(String path) {
        JsonNode task = api.get(path);
        while (task.path("finished_at").isNull()) {
            try {
                TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
            } catch (InterruptedException _) {
                throw new CommandFailure(ExitCode.DETACHED, "interrupted");
            }
            task = api.get(path);
        }
        return task;
    }

    private static JsonNode succeeded(JsonNode task) {
        return switch (task.path("status").asText()) {
            case "succeeded" -> task;
            case "cancelled" -> throw new CommandFailure(ExitCode.CANCELLED, "cancelled");
            default -> throw new CommandFailure(ExitCode.USAGE, task.path("error").asText());
        };
    }

    /// The id of a file that is there, or of one that is uploaded now.
    private String id(String file) {
        if (file.matches("file-[0-9a-f]{32}") && !Files.exists(Path.of(file))) {
            return file;
        }
        Path path = Path.of(file);
        if (!Files.isRegularFile(path)) {
            throw new CommandFailure(ExitCode.USAGE, "no such file: " + file);
        }
        String id = FilesCommand.upload(api, path, "user_data").path("id").asText();
        uploaded.add(id);
        return id;
    }

    /// Writes a file of the result.
    void download(JsonNode task, String name, Path target) {
        for (JsonNode id : task.path("result_files")) {
            String path = "/v1/files/" + Api.quoted(id.asText());
            if (api.get(path).path("filename").asText().equals(name)) {
                api.download(path + "/content", target);
                return;
            }
        }
        throw new CommandFailure(ExitCode.PLATFORM, "the result has no file " + name);
    }
}
