package dev.tunesmith.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.tunesmith.cli.job.JobLines;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The client against a small HTTP server that answers as the test says.
final class ServerTest {
    private static final String JOB = "/v1/fine_tuning/jobs/ftjob-1";

    @TempDir Path folder;
    private HttpServer server;
    private Api api;
    private final List<String> seen = new ArrayList<>();

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.start();
        api = new Api("http://127.0.0.1:" + server.getAddress().getPort(), "secret");
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    @Test
    void followsAcrossADroppedStreamWithoutRepeating() {
        String[] streams = {
            "id: 1\ndata: {\"type\":\"message\",\"message\":\"first\"}\n\n",
            "id: 2\ndata: {\"type\":\"metrics\",\"data\":{\"step\":3,\"total_steps\":4,\"train_loss\":0.5,\"tokens_per_s\":812.4,\"seconds_left\":75.0}}\n\nid: 3\ndata: {\"type\":\"metrics\",\"data\":{\"step\":3,\"valid_loss\":0.4}}\n\ndata: [DONE]\n\n"
        };
        int[] stream = {0};
        server.createContext(
                JOB + "/events",
                exchange -> {
                    seen.add(
                            String.valueOf(exchange.getRequestHeaders().getFirst("Last-Event-ID")));
                    reply(exchange, 200, streams[Math.min(stream[0]++, 1)]);
                });
        server.createContext(
                JOB,
                exchange ->
                        reply(
                                exchange,
                                200,
                                "{\"status\":\""
                                        + (stream[0] < 2 ? "running" : "succeeded")
                                        + "\"}"));
        var printed = new ByteArrayOutputStream();
        var bar = new ProgressBar(new PrintStream(printed, true, StandardCharsets.UTF_8), true);
        JsonNode job = new Follower(api, "ftjob-1", bar).follow(Instant.now().plusSeconds(20));
        assertThat(job.path("status").asText()).isEqualTo("succeeded");
        assertThat(seen).startsWith("null", "1");
        assertThat(printed.toString(StandardCharsets.UTF_8))
                .contains("first")
                .contains("3/4")
                .contains("loss 0.5000  812 tok/s  1 min 15 s left");
    }

    private static final String SURVEY =
            """
            {"files": [{"name": "training_file", "validation": false,
              "rows": {"format": "chat", "rows": 1234, "duplicates": 2, "longest_bytes": 9,
                "problem_count": 0, "problems": [],
                "figures": {"bytes": 9, "scripts": {"latin": 1.0}, "languages": {"en": 0.98},
                  "findings": {"duplicate_row": {"count": 2, "lines": [7, 9]},
                    "email": {"count": 12, "lines": [1, 2, 3, 4, 5, 6]}}}},
              "tokens": {"tokens": 56789, "trained": 4000, "context": 512, "cut_rows": 3,
                "cut_tokens": 99, "length": {"p50": 40, "p90": 41, "p99": 42, "max": 600}}}],
             "findings": 14,
             "estimate": {"epochs": 3.0, "tokens": 170367, "trained_tokens": 12000, "seconds": 3900,
               "time": "measured", "cost": null, "price": "no price is set for trained tokens"}}
            """;

    @Test
    void showsWhatWasFoundInTheDataOfAJob() throws IOException {
        String job =
                """
                {"id": "ftjob-1", "state": "queued", "spec": {"model": "nano"}, "progress": {},
                 "memory_plan": {"total_bytes": 1610612736}, "error": null, "fine_tuned_model": null,
                 "resolved": {"origins": {"rank": {"kind": "derived", "reason": "of the data"}}},
                 "data": %s}
                """
                        .formatted(SURVEY);

        List<String> lines =
                JobLines.of(
                        Api.JSON.readTree(job),
                        Api.JSON.readTree("{\"x_training\": {\"rank\": 16}}"));

        assertThat(lines)
                .contains(
                        "memory  1.50 GiB planned",
                        "DATA                          training_file",
                        "rows                          1,234",
                        "length p50 / p90 / p99 / max  40 / 41 / 42 / 600",
                        "longer than the context       3 rows, 99 tokens beyond 512",
                        "repeated rows                 2 (line 7, 9)",
                        "personal data                 12 email (line 1, 2, 3, 4, 5, …)",
                        "languages                     en 98 %",
                        "trained tokens  12,000 of 170,367 in 3 epochs",
                        "time            about 65 min (measured)",
                        "cost            unknown (no price is set for trained tokens)",
                        "14 findings; all of them: tunesmith jobs findings ftjob-1",
                        "rank     16     derived: of the data");
    }

    @Test
    void followingShowsTheTableOnceTheDataAreSurveyed() {
        server.createContext(
                JOB + "/events",
                exchange ->
                        reply(
                                exchange,
                                200,
                                "id: 1\ndata: {\"type\":\"message\",\"message\":\"Estimate\",\"data\":{\"survey\":true}}\n\ndata: [DONE]\n\n"));
        server.createContext(JOB, exchange -> reply(exchange, 200, "{\"status\":\"succeeded\"}"));
        server.createContext(
                "/api/v1/jobs/ftjob-1",
                exchange -> reply(exchange, 200, "{\"data\":" + SURVEY + "}"));
        var printed = new ByteArrayOutputStream();
        var bar = new ProgressBar(new PrintStream(printed, true, StandardCharsets.UTF_8), false);

        JsonNode _ = new Follower(api, "ftjob-1", bar).follow(Instant.now().plusSeconds(20));

        assertThat(printed.toString(StandardCharsets.UTF_8))
                .contains("DATA ", "ESTIMATE", "of them trained");
    }

    @Test
    void showsEveryProblemOfARefusedBody() {
        server.createContext(
                "/v1/x",
                exchange ->
                        reply(
                                exchange,
                                400,
                                "{\"error\":{\"message\":\"2 problems\",\"param\":\"rank\"},\"x_errors\":[{\"param\":\"rank\",\"message\":\"rank: must be at least 1\"},{\"param\":\"rnak\",\"message\":\"unknown key\",\"suggestion\":\"rank\"}]}"));
        assertThatThrownBy(() -> api.get("/v1/x"))
                .isInstanceOfSatisfying(
                        CommandFailure.class,
                        e -> {
                            assertThat(e.exitCode()).isEqualTo(ExitCode.USAGE);
                            assertThat(e.problems())
                                    .containsExactly(
                                            "rank: must be at least 1", "rnak: unknown key (rank)");
                        });
    }

    @Test
    void mapsStatusesToExitCodes() {
        assertThat(List.of(401, 404, 409, 429, 503).stream().map(ExitCode::ofStatus))
                .containsExactly(8, 11, 12, 7, 9);
    }

    @Test
    void aStateInTheWayIsAConflictThoughTheServerSays400() {
        String refusal = "{\"code\": \"model_exists\", \"detail\": \"There is a model 'nano'\"}";
        assertThat(Api.failure(400, refusal).exitCode()).isEqualTo(ExitCode.CONFLICT);
        assertThat(Api.failure(400, "{\"error\": {\"code\": \"job_terminal\"}}").exitCode())
                .isEqualTo(ExitCode.CONFLICT);
        assertThat(Api.failure(400, "{\"error\": {\"code\": \"invalid_value\"}}").exitCode())
                .isEqualTo(ExitCode.USAGE);
    }

    @Test
    void repeatsAReadWhenThePlatformFails() {
        server.createContext(
                "/v1/x",
                exchange -> {
                    seen.add("call");
                    reply(exchange, seen.size() < 3 ? 503 : 200, "{}");
                });
        assertThat(api.get("/v1/x").isObject()).isTrue();
        assertThat(seen).hasSize(3);
    }

    @Test
    void saysWhatToDoWhenNobodyAnswers() {
        server.stop(0);
        assertThatThrownBy(() ->
                        api.send(
                                "/v1/x",
                                "text/plain",
                                java.net.http.HttpRequest.BodyPublishers.noBody()))
                .isInstanceOfSatisfying(
                        CommandFailure.class,
                        e -> assertThat(e.exitCode()).isEqualTo(ExitCode.PLATFORM))
                .hasMessageContaining("tunesmith up");
    }

    @Test
    void streamsAModelFolderAsATarThatTarReads() throws Exception {
        Path model = Files.createDirectories(folder.resolve("m"));
        Files.writeString(model.resolve("config.json"), "{}");
        Files.write(model.resolve("model.safetensors"), new byte[1000]);
        Path archive = folder.resolve("got.tar");
        server.createContext(
                "/api/v1/models",
                exchange -> {
                    Files.copy(exchange.getRequestBody(), archive);
                    reply(exchange, 200, "{\"id\":\"nano\"}");
                });
        assertThat(ModelsCommand.upload(api, model, "nano", true).path("id").asText())
                .isEqualTo("nano");
        Process list =
                new ProcessBuilder("tar", "tvf", archive.toString())
                        .redirectErrorStream(true)
                        .start();
        String text = new String(list.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(list.waitFor()).isZero();
        assertThat(text)
                .containsPattern("2 .*config.json")
                .containsPattern("1000 .*model.safetensors");
    }

    @Test
    void uploadsAFileAsOneForm() throws IOException {
        Path file = folder.resolve("a \"b\".jsonl");
        Files.writeString(file, "{}\n");
        server.createContext(
                "/v1/files",
                exchange -> {
                    seen.add(
                            new String(
                                    exchange.getRequestBody().readAllBytes(),
                                    StandardCharsets.UTF_8));
                    reply(exchange, 200, "{\"id\":\"file-1\"}");
                });
        FilesCommand.upload(api, file, "fine-tune");
        assertThat(seen.getFirst())
                .contains("name=\"purpose\"\r\n\r\nfine-tune\r\n")
                .contains("filename=\"a %22b%22.jsonl\"")
                .contains("\r\n\r\n{}\n\r\n--");
    }

    @Test
    void uploadsEveryFileThatASpecNames() throws IOException {
        Path spec = folder.resolve("spec.yaml");
        Files.writeString(folder.resolve("a.jsonl"), "{}\n");
        Files.writeString(folder.resolve("b.jsonl"), "{}\n");
        Files.writeString(folder.resolve("info.json"), "{}");
        Files.writeString(
                spec,
                """
                model: nano
                validation_file: a.jsonl
                x_training:
                  dataset_info: info.json
                  data:
                    - {file: a.jsonl, weight: 2}
                    - {file: b.jsonl}
                    - {file: file-0123}
                """);
        server.createContext(
                "/v1/files",
                exchange -> {
                    String form =
                            new String(
                                    exchange.getRequestBody().readAllBytes(),
                                    StandardCharsets.UTF_8);
                    Matcher name = Pattern.compile("filename=\"(\\w)").matcher(form);
                    assertThat(name.find()).isTrue();
                    reply(exchange, 200, "{\"id\":\"file-%s\"}".formatted(name.group(1)));
                    seen.add(name.group(1));
                });
        server.createContext(
                "/v1/fine_tuning/jobs",
                exchange -> {
                    exchange.getRequestBody().transferTo(OutputStream.nullOutputStream());
                    reply(exchange, 200, "{\"id\":\"ftjob-1\"}");
                });
        ObjectNode body = SpecFile.read(spec).body();

        TrainCommand.submit(api, body);

        assertThat(seen).containsExactlyInAnyOrder("a", "b", "i");
        assertThat(body.path("validation_file").asText()).isEqualTo("file-a");
        assertThat(body.at("/x_training/data").findValuesAsText("file"))
                .containsExactly("file-a", "file-b", "file-0123");
        assertThat(body.at("/x_training/dataset_info").asText()).isEqualTo("file-i");
    }

    private static void reply(HttpExchange exchange, int status, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }
}
