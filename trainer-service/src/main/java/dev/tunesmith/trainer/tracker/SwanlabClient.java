package dev.tunesmith.trainer.tracker;

import dev.tunesmith.trainer.tracker.TrackedRun.End;
import dev.tunesmith.trainer.tracker.TrackedRun.Line;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// SwanLab: a key is exchanged for a session, a project and an experiment are made if they are
/// missing, and figures are sent as scalars of columns.
final class SwanlabClient implements TrackerClient {
    private static final int CUID = 21;

    private final TrackerHttp http;
    private final String key;
    private final Map<String, Integer> sent = new HashMap<>();
    private String project = "";
    private String projectId = "";
    private String experiment = "";

    SwanlabClient(TrackerHttp http, String key) {
        this.http = http;
        this.key = key;
    }

    @Override
    public void open(TrackedRun run) throws IOException, InterruptedException {
        http.header("authorization", key);
        Map<String, Object> login = http.send("POST", "/login/api_key", Map.of());
        http.header("Cookie", "sid=" + TrackerHttp.text(login, "sid"));
        String entity = run.integration().entity();
        String owner = entity == null ? TrackerHttp.text(login, "userInfo", "username") : entity;
        String name = run.integration().project();
        project = "/project/%s/%s".formatted(TrackerHttp.quoted(owner), TrackerHttp.quoted(name));
        Optional<Map<String, Object>> found = http.find(project);
        Map<String, Object> made =
                found.isPresent()
                        ? found.get()
                        : http.send(
                                "POST",
                                "/project",
                                Map.of("name", name, "username", owner, "visibility", "PRIVATE"));
        projectId = TrackerHttp.text(made, "cuid");
        var labels = new ArrayList<Map<String, String>>();
        run.integration().tags().forEach(tag -> labels.add(Map.of("name", tag)));
        var body = new LinkedHashMap<String, Object>();
        body.put("name", run.name());
        body.put("cuid", cuid(run.id()));
        body.put("colors", List.of("#528d59", "#587ad2"));
        body.put("labels", labels);
        body.put("createdAt", Instant.now().toString());
        Map<String, Object> opened = http.send("POST", project + "/experiment", body);
        experiment = TrackerHttp.text(opened, "cuid");
        http.send(
                "PUT",
                project + "/runs/" + TrackerHttp.quoted(experiment) + "/profile",
                Map.of("config", run.settings()));
    }

    /// The end of the job's id in the length that experiments have: the same after a resume.
    private static String cuid(String job) {
        String id = job.replaceAll("[^A-Za-z0-9]", "");
        return id.substring(Math.max(0, id.length() - CUID));
    }

    @Override
    public void log(List<Line> lines) throws IOException, InterruptedException {
        var metrics = new ArrayList<Map<String, Object>>();
        var counts = new HashMap<>(sent);
        for (Line line : lines) {
            for (Map.Entry<String, Double> value : line.values().entrySet()) {
                int epoch = counts.merge(value.getKey(), 1, Integer::sum);
                metrics.add(
                        Map.of(
                                "key", value.getKey(),
                                "index", line.step(),
                                "epoch", epoch,
                                "data", value.getValue(),
                                "create_time", Instant.ofEpochMilli(line.millis()).toString()));
            }
        }
        http.send(
                "POST",
                "/house/metrics",
                Map.of(
                        "projectId", projectId,
                        "experimentId", experiment,
                        "type", "scalar",
                        "metrics", metrics));
        sent.putAll(counts);
    }

    @Override
    public void finish(End end, long millis) throws IOException, InterruptedException {
        String state =
                switch (end) {
                    case FINISHED -> "FINISHED";
                    case STOPPED -> "ABORTED";
                    case FAILED -> "CRASHED";
                };
        http.send(
                "PUT",
                project + "/runs/" + TrackerHttp.quoted(experiment) + "/state",
                Map.of(
                        "state",
                        state,
                        "finishedAt",
                        Instant.ofEpochMilli(millis).toString(),
                        "from",
                        "sdk"));
    }
}
