package dev.tunesmith.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tunesmith.cli.job.SurveyLines;
import java.io.UncheckedIOException;
import java.net.http.HttpRequest;
import java.time.Duration;
import java.time.Instant;
import java.util.Iterator;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/// Follows a job's event stream to its end. A dropped stream is opened again after the last event
/// that was seen, so nothing is shown twice and nothing is missed.
final class Follower {
    private static final Set<String> TERMINAL = Set.of("succeeded", "failed", "cancelled");
    private static final Duration RETRY_MAX = Duration.ofSeconds(10);

    private final Api api;
    private final String job;
    private final ProgressBar bar;
    private String lastId = "";
    private final ObjectNode metrics = Api.JSON.createObjectNode();

    Follower(Api api, String job, ProgressBar bar) {
        this.api = api;
        this.job = job;
        this.bar = bar;
    }

    /// Waits for the end.
    ///
    /// @param deadline when to give up waiting; the job goes on
    /// @return the job object in its last state
    JsonNode follow(Instant deadline) {
        int failures = 0;
        while (Instant.now().isBefore(deadline)) {
            JsonNode state = api.get("/v1/fine_tuning/jobs/" + job);
            if (TERMINAL.contains(state.path("status").asText())) {
                drain();
                bar.end();
                return state;
            }
            failures = read(deadline) ? 0 : failures + 1;
            pause(failures);
        }
        bar.end();
        throw new CommandFailure(
                ExitCode.WAIT_TIMED_OUT,
                "the wait timed out; the job still runs. Watch it with \"tunesmith jobs logs -f "
                        + job
                        + "\"");
    }

    private static void pause(int failures) {
        if (failures == 0) {
            return;
        }
        try {
            long millis = Math.min(RETRY_MAX.toMillis(), 250L << Math.min(failures, 6));
            TimeUnit.MILLISECONDS.sleep(millis);
        } catch (InterruptedException _) {
            throw new CommandFailure(ExitCode.DETACHED, "interrupted");
        }
    }

    /// Shows what is left of the stream after the job has ended.
    private void drain() {
        boolean _ = read(Instant.now().plusSeconds(5));
    }

    /// @return true when at least one event arrived
    private boolean read(Instant deadline) {
        HttpRequest.Builder request =
                api.request("/v1/fine_tuning/jobs/" + job + "/events?stream=true")
                        .header("Accept", "text/event-stream")
                        .GET();
        if (!lastId.isEmpty()) {
            request.header("Last-Event-ID", lastId);
        }
        boolean any = false;
        try (Stream<String> lines = api.lines(request)) {
            for (Iterator<String> it = lines.iterator();
                    it.hasNext() && Instant.now().isBefore(deadline); ) {
                String line = it.next();
                if (line.startsWith("id:")) {
                    lastId = line.substring(3).strip();
                } else if (line.startsWith("data:")) {
                    String data = line.substring(5).strip();
                    if (data.equals("[DONE]")) {
                        return true;
                    }
                    show(data);
                    any = true;
                }
            }
        } catch (UncheckedIOException | CommandFailure _) {
            return any;
        }
        return any;
    }

    private void show(String data) {
        JsonNode event;
        try {
            event = Api.JSON.readTree(data);
        } catch (JsonProcessingException _) {
            return;
        }
        if (event.path("type").asText().equals("metrics")) {
            // An evaluation has no training loss: the last one stays in sight.
            event.path("data").properties().forEach(e -> metrics.set(e.getKey(), e.getValue()));
            bar.show(metrics.path("phase").asText("training"), metrics);
        } else {
            bar.message(event.path("message").asText());
            if (event.path("data").path("survey").asBoolean()) {
                survey();
            }
        }
    }

    /// Shows what was found in the data, now that all of it is known.
    private void survey() {
        JsonNode data = api.get("/api/v1/jobs/" + job).path("data");
        if (data.isObject()) {
            bar.message("");
            SurveyLines.of(data).forEach(bar::message);
            bar.message("");
        }
    }

    /// The exit code that a finished job stands for.
    static int exitCode(JsonNode job) {
        return switch (job.path("status").asText()) {
            case "succeeded" -> ExitCode.OK;
            case "cancelled" -> ExitCode.CANCELLED;
            default -> isPlatformFault(job) ? ExitCode.PLATFORM : ExitCode.TRAINING_FAILED;
        };
    }

    private static boolean isPlatformFault(JsonNode job) {
        return Set.of("storage_unavailable", "worker_lost", "internal_error", "poison")
                .contains(job.path("error").path("code").asText());
    }
}
