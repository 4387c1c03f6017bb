package dev.tunesmith.trainer.tracker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.tunesmith.contracts.job.JobSpec.Integration;
import dev.tunesmith.contracts.job.JobSpec.Tracker;
import dev.tunesmith.trainer.tracker.TrackedRun.End;
import dev.tunesmith.trainer.tracker.TrackedRun.Line;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/// Each tracker against a stand-in that answers as the real one does.
final class TrackersTest {
    private static final String KEY = "the-secret-key";
    private static final String JOB = "ftjob-0123456789abcdef0123456789abcdef";

    private final List<String> seen = Collections.synchronizedList(new ArrayList<>());
    private final List<String> logins = Collections.synchronizedList(new ArrayList<>());
    private HttpServer server;

    TrackersTest() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    }

    @BeforeEach
    void start() {
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private void answer(String path, int status, String body) {
        server.createContext(path, exchange -> reply(exchange, status, body));
    }

    private void reply(HttpExchange exchange, int status, String body) throws IOException {
        String said = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        seen.add(exchange.getRequestMethod() + " " + exchange.getRequestURI() + " " + said);
        logins.add(String.valueOf(exchange.getRequestHeaders().getFirst("Authorization")));
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    private String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    private static TrackedRun run(Tracker type) {
        return new TrackedRun(
                JOB,
                new Integration(type, "demo", null, null, List.of("first")),
                Map.of("rank", 8, "learning_rate", 1e-4));
    }

    private static void use(TrackerClient client, Tracker type) throws Exception {
        client.open(run(type));
        client.log(List.of(new Line(1, 1000, Map.of("train_loss", 2.5))));
        client.log(List.of(new Line(2, 2000, Map.of("train_loss", 2.25))));
        client.finish(End.FINISHED, 3000);
    }

    @Test
    void mlflowGetsAnExperimentARunItsSettingsAndItsFigures() throws Exception {
        String api = "/api/2.0/mlflow/";
        answer(api + "experiments/get-by-name", 404, "{}");
        answer(api + "experiments/create", 200, "{\"experiment_id\": \"7\"}");
        answer(api + "runs/search", 200, "{}");
        answer(api + "runs/create", 200, "{\"run\": {\"info\": {\"run_id\": \"r1\"}}}");
        answer(api + "runs/log-batch", 200, "{}");
        answer(api + "runs/update", 200, "{}");
        use(new MlflowClient(new TrackerHttp(url()), KEY), Tracker.MLFLOW);
        assertThat(seen)
                .anyMatch(call -> call.contains("experiment_name=demo"))
                .anyMatch(call -> call.contains("runs/create") && call.contains(JOB))
                .anyMatch(call -> call.contains("\"params\":[") && call.contains("rank"))
                .anyMatch(call -> call.contains("\"value\":2.25") && call.contains("\"step\":2"))
                .anyMatch(call -> call.contains("\"status\":\"FINISHED\""))
                .noneMatch(call -> call.contains(KEY));
        assertThat(logins).containsOnly("Bearer " + KEY);
    }

    @Test
    void mlflowGoesOnWithTheRunOfAnEarlierAttempt() throws Exception {
        String api = "/api/2.0/mlflow/";
        answer(
                api + "experiments/get-by-name",
                200,
                "{\"experiment\": {\"experiment_id\": \"7\"}}");
        answer(api + "runs/search", 200, "{\"runs\": [{\"info\": {\"run_id\": \"old\"}}]}");
        answer(api + "runs/update", 200, "{}");
        answer(api + "runs/log-batch", 200, "{}");
        use(new MlflowClient(new TrackerHttp(url()), ""), Tracker.MLFLOW);
        assertThat(seen)
                .noneMatch(call -> call.contains("runs/create"))
                .anyMatch(call -> call.contains("log-batch") && call.contains("\"old\""));
    }

    @Test
    void wandbGetsABucketAndAHistoryThatGoesOnWhereItWas() throws Exception {
        answer(
                "/graphql",
                200,
                "{\"data\":{\"upsertBucket\":{\"bucket\":{\"name\":\"x\",\"historyLineCount\":5,\"project\":{\"name\":\"demo\",\"entity\":{\"name\":\"team\"}}}}}}");
        answer("/files/team/demo/" + JOB + "/file_stream", 200, "{}");
        use(new WandbClient(new TrackerHttp(url()), KEY), Tracker.WANDB);
        assertThat(seen)
                .anyMatch(call -> call.contains("upsertBucket") && call.contains("demo"))
                .anyMatch(call -> call.contains("\"offset\":5") && call.contains("train_loss"))
                .anyMatch(call -> call.contains("\"offset\":6") && call.contains("2.25"))
                .anyMatch(call -> call.contains("\"complete\":true"))
                .noneMatch(call -> call.contains(KEY));
        assertThat(logins).allMatch(login -> login.startsWith("Basic "));
    }

    @Test
    void swanlabGetsAProjectAnExperimentAndScalars() throws Exception {
        answer("/login/api_key", 200, "{\"sid\": \"s1\", \"userInfo\": {\"username\": \"ann\"}}");
        answer("/project/ann/demo", 404, "{}");
        answer("/project", 201, "{\"cuid\": \"p1\"}");
        answer("/project/ann/demo/experiment", 201, "{\"cuid\": \"e1\"}");
        answer("/project/ann/demo/runs/e1", 200, "{}");
        answer("/house/metrics", 200, "{}");
        use(new SwanlabClient(new TrackerHttp(url()), KEY), Tracker.SWANLAB);
        assertThat(seen)
                .anyMatch(call -> call.startsWith("POST /project ") && call.contains("PRIVATE"))
                .anyMatch(call -> call.contains("/profile") && call.contains("rank"))
                .anyMatch(call ->
                        call.contains("\"type\":\"scalar\"") && call.contains("\"epoch\":2"))
                .anyMatch(call -> call.contains("/state") && call.contains("FINISHED"))
                .noneMatch(call -> call.contains(KEY));
    }

    @Test
    void aTrackerThatIsAwayCostsTheRunNothing() throws Exception {
        server.stop(0);
        var client = new MlflowClient(new TrackerHttp(url()), KEY);
        TrackerFeed feed = TrackerFeed.start(client, run(Tracker.MLFLOW));
        long start = System.nanoTime();
        for (int step = 0; step < 50_000; step++) {
            feed.add(new Line(step, step, Map.of("train_loss", 1.0)));
        }
        assertThat(System.nanoTime() - start).isLessThan(2_000_000_000L);
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.start();
    }

    @Test
    void keysAreInNoTextOfTheSettings() {
        TrackerSettings settings =
                TrackerSettings.read(name ->
                        name.equals("tunesmith.tracker.wandb.key")
                                ? Optional.of(KEY)
                                : Optional.empty());
        assertThat(settings.places()).containsOnlyKeys(Tracker.WANDB);
        assertThat(settings.toString()).contains("api.wandb.ai").doesNotContain(KEY);
    }

    private TrackerClient client(Tracker type, String key) {
        var http = new TrackerHttp(url());
        return switch (type) {
            case MLFLOW -> new MlflowClient(http, key);
            case WANDB -> new WandbClient(http, key);
            case SWANLAB -> new SwanlabClient(http, key);
        };
    }

    static Stream<Arguments> refusals() {
        return Arrays.stream(Tracker.values())
                .flatMap(
                        type -> Stream.of(401, 403, 500).map(status -> Arguments.of(type, status)));
    }

    /// What we log of a call that fails, up to its first line.
    private static String logged(TrackerClient client, Tracker type) throws InterruptedException {
        PrintStream before = System.err;
        var log = new ByteArrayOutputStream();
        System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
        try {
            TrackerFeed feed = TrackerFeed.start(client, run(type));
            feed.add(new Line(1, 1000, Map.of("train_loss", 2.5)));
            for (int i = 0; i < 500 && !text(log).contains("is tried again"); i++) {
                Thread.sleep(10);
            }
            return text(log);
        } finally {
            System.setErr(before);
        }
    }

    private static String text(ByteArrayOutputStream log) {
        return log.toString(StandardCharsets.UTF_8);
    }

    /// The tracker's answer quotes the key and the login that it was given.
    @ParameterizedTest
    @MethodSource("refusals")
    void keysAreNotLogged(Tracker type, int status) throws Exception {
        server.createContext(
                "/",
                exchange ->
                        reply(
                                exchange,
                                status,
                                "{\"error\": \"no %s, %s\"}"
                                        .formatted(
                                                KEY,
                                                exchange.getRequestHeaders()
                                                        .getFirst("Authorization"))));
        String log = logged(client(type, KEY), type);
        String login =
                Base64.getEncoder().encodeToString(("api:" + KEY).getBytes(StandardCharsets.UTF_8));
        assertThat(log)
                .contains("tracker " + type.wire(), "HTTP " + status)
                .doesNotContain(KEY, login);
        assertThat(seen).isNotEmpty();
    }

    /// The client of the JDK quotes a header that it cannot send.
    @ParameterizedTest
    @EnumSource(Tracker.class)
    void aMalformedKeyIsNotLoggedEither(Tracker type) throws Exception {
        String key = KEY + "\n" + KEY;
        assertThat(logged(client(type, key), type))
                .contains("tracker " + type.wire())
                .doesNotContain(KEY);
    }

    @Test
    void aRedirectIsNotFollowed() {
        server.createContext(
                "/moved",
                exchange -> {
                    exchange.getResponseHeaders().add("Location", url() + "/inside");
                    reply(exchange, 302, "");
                });
        answer("/inside", 200, "{}");
        try (var http = new TrackerHttp(url())) {
            assertThatThrownBy(() -> http.find("/moved")).hasMessageContaining("HTTP 302");
        }
        assertThat(seen).noneMatch(call -> call.contains("/inside"));
    }
}
