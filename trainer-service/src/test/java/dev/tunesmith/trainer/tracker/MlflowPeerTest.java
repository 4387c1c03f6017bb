package dev.tunesmith.trainer.tracker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tunesmith.contracts.job.JobSpec.Integration;
import dev.tunesmith.contracts.job.JobSpec.Tracker;
import dev.tunesmith.trainer.tracker.TrackedRun.End;
import dev.tunesmith.trainer.tracker.TrackedRun.Kept;
import dev.tunesmith.trainer.tracker.TrackedRun.Line;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The real MLflow, of the environment that `bench/peers/install` makes: what a run leaves there is
/// read back by its own API.
@Tag("peers")
final class MlflowPeerTest {
    private static final String JOB = "ftjob-0123456789abcdef0123456789abcdef";
    private static final String API = "/api/2.0/mlflow/";
    private static final String KEY = "the-secret-key";
    private static final Duration START_MAX = Duration.ofMinutes(3);

    @TempDir static Path folder;

    private static Optional<Process> server = Optional.empty();
    private static String url = "";

    @BeforeAll
    static void start() throws Exception {
        String named = System.getenv("TUNESMITH_PEERS");
        Path program =
                Path.of(named == null ? "../bench/target/peers" : named, "trackers/bin/mlflow");
        assumeTrue(
                Files.isExecutable(program),
                "MLflow is not installed: run bench/peers/install, or set TUNESMITH_PEERS");
        int port = freePort();
        url = "http://127.0.0.1:" + port;
        List<String> command =
                List.of(
                        program.toString(),
                        "server",
                        "--host",
                        "127.0.0.1",
                        "--port",
                        "" + port,
                        "--workers",
                        "1",
                        "--backend-store-uri",
                        "sqlite:///" + folder.resolve("mlflow.db"),
                        "--artifacts-destination",
                        folder.resolve("artifacts").toString());
        Path log = folder.resolve("mlflow.log");
        server =
                Optional.of(
                        new ProcessBuilder(command)
                                .directory(folder.toFile())
                                .redirectErrorStream(true)
                                .redirectOutput(log.toFile())
                                .start());
        long until = System.nanoTime() + START_MAX.toNanos();
        while (!answers()) {
            assertThat(server.get().isAlive()).as(Files.readString(log)).isTrue();
            assertThat(System.nanoTime()).as(Files.readString(log)).isLessThan(until);
            Thread.sleep(500);
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private static boolean answers() throws InterruptedException {
        try (var http = new TrackerHttp(url)) {
            return http.send("POST", API + "experiments/search", Map.of("max_results", 1))
                    .containsKey("experiments");
        } catch (IOException _) {
            return false;
        }
    }

    @AfterAll
    static void stop() throws InterruptedException {
        if (server.isPresent()) {
            server.get().descendants().forEach(ProcessHandle::destroy);
            server.get().destroy();
            assertThat(server.get().waitFor(30, java.util.concurrent.TimeUnit.SECONDS)).isTrue();
        }
    }

    private static TrackedRun run() {
        return new TrackedRun(
                JOB,
                new Integration(Tracker.MLFLOW, "faq", "first", null, List.of("lora")),
                Map.of("rank", 8, "learning_rate", 1e-4, "target_modules", List.of("all-linear")));
    }

    private static MlflowClient client() {
        return new MlflowClient(new TrackerHttp(url), KEY);
    }

    @Test
    void runsSettingsFiguresAndFilesAreThere() throws Exception {
        MlflowClient first = client();
        first.open(run());
        first.log(List.of(new Line(1, 1000, Map.of("train_loss", 2.5, "rewards/margins", 0.1))));
        first.finish(End.STOPPED, 1500);
        MlflowClient resumed = client();
        resumed.open(run());
        resumed.log(List.of(new Line(2, 2000, Map.of("train_loss", 2.25))));
        resumed.keep(new Kept("README.md", "# A model".getBytes(StandardCharsets.UTF_8)));
        resumed.finish(End.FINISHED, 3000);

        try (var http = new TrackerHttp(url)) {
            Map<String, Object> experiment =
                    http.find(API + "experiments/get-by-name?experiment_name=faq").orElseThrow();
            String id = TrackerHttp.text(experiment, "experiment", "experiment_id");
            Map<String, Object> found =
                    http.send("POST", API + "runs/search", Map.of("experiment_ids", List.of(id)));
            assertThat((List<?>) found.get("runs")).as("a resumed job is one run").hasSize(1);
            assertThat(found.toString())
                    .contains("status=FINISHED", "run_name=first", "key=rank, value=8")
                    .contains("key=learning_rate", "key=lora", "key=train_loss, value=2.25")
                    .contains("key=rewards/margins")
                    .doesNotContain(KEY);
            String run = runId(found);
            Map<String, Object> history =
                    http.find(API + "metrics/get-history?metric_key=train_loss&run_id=" + run)
                            .orElseThrow();
            assertThat((List<?>) history.get("metrics")).hasSize(2);
            assertThat(http.find(API + "artifacts/list?run_id=" + run).orElseThrow().toString())
                    .contains("path=README.md");
        }
        assertThat(Files.readString(folder.resolve("mlflow.log"))).doesNotContain(KEY);
    }

    private static String runId(Map<String, Object> found) {
        return found.get("runs") instanceof List<?> runs
                        && runs.getFirst() instanceof Map<?, ?> run
                        && run.get("info") instanceof Map<?, ?> info
                ? String.valueOf(info.get("run_id"))
                : "";
    }
}
