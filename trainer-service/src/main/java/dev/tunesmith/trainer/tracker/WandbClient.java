package dev.tunesmith.trainer.tracker;

import dev.tunesmith.platform.json.Json;
import dev.tunesmith.trainer.tracker.TrackedRun.End;
import dev.tunesmith.trainer.tracker.TrackedRun.Line;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Weights & Biases: GraphQL opens the run under the job's id, the file stream takes its history,
/// which goes on where an earlier attempt left it.
final class WandbClient implements TrackerClient {
    private static final String UPSERT =
            """
            mutation UpsertBucket($project: String, $entity: String, $name: String!,
                $displayName: String, $config: JSONString, $tags: [String!]) {
              upsertBucket(input: {modelName: $project, entityName: $entity, name: $name,
                  displayName: $displayName, config: $config, tags: $tags}) {
                bucket { name historyLineCount project { name entity { name } } }
              }
            }
            """;

    private final TrackerHttp http;
    private String stream = "";
    private long offset;

    WandbClient(TrackerHttp http, String key) {
        this.http = http;
        byte[] login = ("api:" + key).getBytes(StandardCharsets.UTF_8);
        http.header("Authorization", "Basic " + Base64.getEncoder().encodeToString(login));
    }

    @Override
    public void open(TrackedRun run) throws IOException, InterruptedException {
        var config = new LinkedHashMap<String, Object>();
        run.settings().forEach((name, value) -> config.put(name, Map.of("value", value)));
        var variables = new LinkedHashMap<String, Object>();
        variables.put("project", run.integration().project());
        String entity = run.integration().entity();
        if (entity != null) {
            variables.put("entity", entity);
        }
        variables.put("name", run.id());
        variables.put("displayName", run.name());
        variables.put("config", Json.text(config));
        variables.put("tags", run.integration().tags());
        Map<String, Object> answer =
                http.send("POST", "/graphql", Map.of("query", UPSERT, "variables", variables));
        String[] bucket = {"data", "upsertBucket", "bucket"};
        String project = TrackerHttp.text(answer, path(bucket, "project", "name"));
        String owner = TrackerHttp.text(answer, path(bucket, "project", "entity", "name"));
        stream =
                "/files/%s/%s/%s/file_stream"
                        .formatted(
                                TrackerHttp.quoted(owner),
                                TrackerHttp.quoted(project),
                                TrackerHttp.quoted(run.id()));
        offset = lines(answer, path(bucket, "historyLineCount"));
    }

    private static String[] path(String[] start, String... end) {
        var all = new ArrayList<>(List.of(start));
        all.addAll(List.of(end));
        return all.toArray(String[]::new);
    }

    /// A new run has no count.
    private static long lines(Map<String, Object> answer, String... path) {
        try {
            return Long.parseLong(TrackerHttp.text(answer, path));
        } catch (IOException | NumberFormatException _) {
            return 0;
        }
    }

    @Override
    public void log(List<Line> lines) throws IOException, InterruptedException {
        var content = new ArrayList<String>();
        for (Line line : lines) {
            var values = new LinkedHashMap<String, Object>(line.values());
            values.put("_step", line.step());
            values.put("_timestamp", line.millis() / 1000.0);
            content.add(Json.text(values));
        }
        http.send(
                "POST",
                stream,
                Map.of(
                        "files",
                        Map.of(
                                "wandb-history.jsonl",
                                Map.of("offset", offset, "content", content))));
        offset += content.size();
    }

    @Override
    public void finish(End end, long millis) throws IOException, InterruptedException {
        int exit = end == End.FINISHED ? 0 : 1;
        http.send("POST", stream, Map.of("complete", true, "exitcode", exit));
    }
}
