package dev.tunesmith.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectReader;
import dev.tunesmith.contracts.curve.Panel;
import dev.tunesmith.contracts.curve.Series;
import dev.tunesmith.contracts.event.StepMetrics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/// `tunesmith jobs plot JOB`: the curves of a job in the terminal, and its pictures as files. Of a
/// job that still runs it draws what was reported so far.
@Command(
        name = "plot",
        description = "Draw a job's curves; -o writes its pictures and tables into a folder.",
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "Examples:",
            "  tunesmith jobs plot ftjob-…",
            "  tunesmith jobs plot ftjob-… --curve rewards -o curves"
        })
@SuppressWarnings("NullAway.Init")
final class PlotCommand implements Callable<Integer> {
    private static final String JOBS = "/v1/fine_tuning/jobs/";
    private static final int EVENTS_MAX = 100;
    private static final ObjectReader LINES = Api.JSON.readerForMapOf(Object.class);

    @ParentCommand private JobsCommand jobs;

    @Parameters(paramLabel = "JOB")
    private String id;

    @Option(names = "--curve", paramLabel = "NAME", description = "one figure, or a part of names")
    private @Nullable String curve;

    @Option(names = "--width", defaultValue = "78", description = "columns (default: 78)")
    private int width;

    @Option(names = "--height", defaultValue = "10", description = "lines a curve (default: 10)")
    private int height;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "DIR",
            description = "write curves.svg, curves.png, the event file and the tables here")
    private @Nullable Path folder;

    @Override
    public Integer call() {
        Api api = jobs.connection().open();
        JsonNode job = api.get(JOBS + Api.quoted(id));
        Map<String, String> files = resultFiles(api, job);
        Map<String, Series> series =
                files.containsKey(StepMetrics.LINES)
                        ? ofTable(api, String.valueOf(files.get(StepMetrics.LINES)))
                        : ofEvents(api);
        List<Panel> panels = panels(series);
        if (panels.isEmpty()) {
            throw new CommandFailure(
                    ExitCode.NOT_FOUND,
                    series.isEmpty()
                            ? id + " has reported no figures yet"
                            : "%s has no such figure; there are %s"
                                    .formatted(id, String.join(", ", series.keySet())));
        }
        var lines = new ArrayList<String>();
        panels.forEach(panel -> lines.addAll(TerminalPlot.of(panel, width, height)));
        jobs.output().object(Api.JSON.valueToTree(panels), String.join("\n", lines));
        if (folder != null) {
            write(api, files, folder);
        }
        return ExitCode.OK;
    }

    private List<Panel> panels(Map<String, Series> series) {
        return curve == null ? Panel.of(series) : Panel.of(series, curve).stream().toList();
    }

    /// Ids of the job's files by their names.
    private static Map<String, String> resultFiles(Api api, JsonNode job) {
        var files = new java.util.LinkedHashMap<String, String>();
        for (JsonNode file : job.path("result_files")) {
            JsonNode found = api.get("/v1/files/" + Api.quoted(file.asText()));
            files.put(found.path("filename").asText(), file.asText());
        }
        return files;
    }

    private static Map<String, Series> ofTable(Api api, String file) {
        Path copy = temporary();
        try {
            api.download("/v1/files/" + Api.quoted(file) + "/content", copy);
            try (MappingIterator<Map<String, Object>> lines = LINES.readValues(copy.toFile())) {
                return Series.of(lines.readAll());
            }
        } catch (IOException e) {
            throw new CommandFailure(
                    ExitCode.PLATFORM, "the job's table cannot be read: " + e.getMessage());
        } finally {
            boolean _ = copy.toFile().delete();
        }
    }

    private static Path temporary() {
        try {
            return Files.createTempFile("tunesmith-", ".jsonl");
        } catch (IOException e) {
            throw new CommandFailure(
                    ExitCode.OTHER, "cannot create a file for the table: " + e.getMessage());
        }
    }

    /// What the job has reported, oldest first.
    private Map<String, Series> ofEvents(Api api) {
        var lines = new ArrayList<Map<String, Object>>();
        Optional<String> after = Optional.of("");
        while (after.isPresent()) {
            String from = after.get().isEmpty() ? "" : "&after=" + Api.quoted(after.get());
            JsonNode page = api.get(JOBS + Api.quoted(id) + "/events?limit=" + EVENTS_MAX + from);
            for (JsonNode event : page.path("data")) {
                if (event.path("data").has("step")) {
                    lines.add(values(event.path("data")));
                }
                after = Optional.of(event.path("id").asText());
            }
            after = page.path("has_more").asBoolean() ? after : Optional.empty();
        }
        return Series.of(lines.reversed());
    }

    private static Map<String, Object> values(JsonNode data) {
        var values = new java.util.LinkedHashMap<String, Object>();
        for (Map.Entry<String, JsonNode> field : data.properties()) {
            if (field.getValue().isNumber()) {
                values.put(field.getKey(), field.getValue().numberValue());
            }
        }
        return values;
    }

    private void write(Api api, Map<String, String> files, Path target) {
        if (files.isEmpty()) {
            throw new CommandFailure(
                    ExitCode.CONFLICT, id + " has no files before it has succeeded");
        }
        try {
            Files.createDirectories(target);
        } catch (IOException e) {
            throw new CommandFailure(
                    ExitCode.USAGE, "cannot create " + target + ": " + e.getMessage());
        }
        Stream<Map.Entry<String, String>> all = files.entrySet().stream();
        all.forEach(file ->
                api.download(
                        "/v1/files/" + Api.quoted(file.getValue()) + "/content",
                        target.resolve(Path.of(file.getKey()).getFileName())));
    }
}
