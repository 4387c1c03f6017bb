package dev.tunesmith.trainer.tracker;

import dev.tunesmith.trainer.tracker.TrackedRun.End;
import dev.tunesmith.trainer.tracker.TrackedRun.Kept;
import dev.tunesmith.trainer.tracker.TrackedRun.Line;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// MLflow's REST API 2.0: an experiment by its name, a run by the tag of its job.
final class MlflowClient implements TrackerClient {
    private static final String API = "/api/2.0/mlflow/";
    private static final String ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts/";
    private static final String PROXIED = "mlflow-artifacts:/";
    private static final String TAG = "tunesmith.job";
    private static final int METRICS_MAX = 1000;
    private static final int PARAMETERS_MAX = 100;
    private static final int VALUE_MAX = 500;

    private final TrackerHttp http;
    private String runId = "";
    private String artifacts = "";

    MlflowClient(TrackerHttp http, String key) {
        this.http = http;
        if (!key.isEmpty()) {
            http.header("Authorization", "Bearer " + key);
        }
    }

    @Override
    public void open(TrackedRun run) throws IOException, InterruptedException {
        String experiment = experiment(run.integration().project());
        Optional<String> earlier = earlier(experiment, run.id());
        if (earlier.isPresent()) {
            runId = earlier.get();
            http.send("POST", API + "runs/update", Map.of("run_id", runId, "status", "RUNNING"));
            artifacts = artifacts(http.find(API + "runs/get?run_id=" + runId).orElse(Map.of()));
            return;
        }
        var tags = new ArrayList<Map<String, String>>();
        tags.add(Map.of("key", TAG, "value", run.id()));
        run.integration().tags().forEach(tag -> tags.add(Map.of("key", tag, "value", "true")));
        Map<String, Object> created =
                http.send(
                        "POST",
                        API + "runs/create",
                        Map.of(
                                "experiment_id",
                                experiment,
                                "run_name",
                                run.name(),
                                "start_time",
                                System.currentTimeMillis(),
                                "tags",
                                tags));
        runId = TrackerHttp.text(created, "run", "info", "run_id");
        artifacts = artifacts(created);
        var parameters = new ArrayList<Map<String, String>>();
        run.settings()
                .forEach((name, value) -> parameters.add(Map.of("key", name, "value", cut(value))));
        for (int from = 0; from < parameters.size(); from += PARAMETERS_MAX) {
            int to = Math.min(parameters.size(), from + PARAMETERS_MAX);
            http.send(
                    "POST",
                    API + "runs/log-batch",
                    Map.of("run_id", runId, "params", parameters.subList(from, to)));
        }
    }

    /// Where the server itself keeps a run's files; nothing if they lie elsewhere.
    private static String artifacts(Map<String, Object> answer) {
        return answer.get("run") instanceof Map<?, ?> run
                        && run.get("info") instanceof Map<?, ?> info
                        && info.get("artifact_uri") instanceof String uri
                        && uri.startsWith(PROXIED)
                ? uri.substring(PROXIED.length())
                : "";
    }

    private static String cut(Object value) {
        String text = value.toString();
        return text.length() > VALUE_MAX ? text.substring(0, VALUE_MAX) : text;
    }

    private String experiment(String name) throws IOException, InterruptedException {
        Optional<Map<String, Object>> found =
                http.find(
                        API
                                + "experiments/get-by-name?experiment_name="
                                + TrackerHttp.quoted(name));
        return found.isPresent()
                ? TrackerHttp.text(found.get(), "experiment", "experiment_id")
                : TrackerHttp.text(
                        http.send("POST", API + "experiments/create", Map.of("name", name)),
                        "experiment_id");
    }

    private Optional<String> earlier(String experiment, String job)
            throws IOException, InterruptedException {
        Map<String, Object> answer =
                http.send(
                        "POST",
                        API + "runs/search",
                        Map.of(
                                "experiment_ids",
                                List.of(experiment),
                                "filter",
                                "tags.`%s` = '%s'".formatted(TAG, job),
                                "max_results",
                                1));
        if (answer.get("runs") instanceof List<?> runs
                && !runs.isEmpty()
                && runs.getFirst() instanceof Map<?, ?> run
                && run.get("info") instanceof Map<?, ?> info) {
            return Optional.ofNullable(info.get("run_id")).map(Object::toString);
        }
        return Optional.empty();
    }

    @Override
    public void log(List<Line> lines) throws IOException, InterruptedException {
        var metrics = new ArrayList<Map<String, Object>>();
        for (Line line : lines) {
            line.values()
                    .forEach((name, value) ->
                            metrics.add(
                                    Map.of(
                                            "key",
                                            name,
                                            "value",
                                            value,
                                            "timestamp",
                                            line.millis(),
                                            "step",
                                            line.step())));
        }
        for (int from = 0; from < metrics.size(); from += METRICS_MAX) {
            int to = Math.min(metrics.size(), from + METRICS_MAX);
            http.send(
                    "POST",
                    API + "runs/log-batch",
                    Map.of("run_id", runId, "metrics", metrics.subList(from, to)));
        }
    }

    @Override
    public void keep(Kept file) throws IOException, InterruptedException {
        if (!artifacts.isEmpty()) {
            http.put(ARTIFACTS + artifacts + "/" + TrackerHttp.quoted(file.name()), file.content());
        }
    }

    @Override
    public void finish(End end, long millis) throws IOException, InterruptedException {
        String status =
                switch (end) {
                    case FINISHED -> "FINISHED";
                    case STOPPED -> "KILLED";
                    case FAILED -> "FAILED";
                };
        http.send(
                "POST",
                API + "runs/update",
                Map.of("run_id", runId, "status", status, "end_time", millis));
    }
}
