package dev.tunesmith.cli.predict;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.tunesmith.cli.Api;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/// The command against a small HTTP server that keeps files and batches.
final class PredictCommandTest {
    private static final String ROWS =
            """
            {"prompt": "one", "completion": "1"}
            {"prompt": "two", "completion": "2"}
            {"prompt": "three", "completion": "3"}
            """;

    @TempDir Path folder;
    private HttpServer server;
    private final Map<String, String> files = new LinkedHashMap<>();
    private final List<ObjectNode> batches = new ArrayList<>();
    private final List<String> asked = new ArrayList<>();
    private final List<JsonNode> bodies = java.util.Collections.synchronizedList(new ArrayList<>());
    private int busy;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/v1/files", this::file);
        server.createContext("/v1/batches", this::batch);
        server.createContext("/v1/chat/completions", this::chat);
        server.createContext("/v1/scores", this::scores);
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    @Test
    void aDatasetOfTheServerIsAnsweredByBatchesOnce() throws IOException {
        files.put("file-rows", ROWS);
        Path answers = folder.resolve("answers.jsonl");

        assertThat(run("file-rows", answers)).isZero();

        assertThat(batches).hasSize(2);
        assertThat(Files.readAllLines(answers))
                .hasSize(3)
                .satisfies(lines -> {
                    assertThat(lines.get(0)).contains("\"predict\":\"said row-1\"");
                    assertThat(lines.get(1)).contains("\"error\":\"row-2 is too long\"");
                    assertThat(lines.get(2)).contains("\"row\":3", "\"label\":\"3\"");
                });
        Path again = folder.resolve("again.jsonl");
        assertThat(run("file-rows", again)).isZero();
        assertThat(batches).hasSize(2);
        assertThat(again).hasSameTextualContentAs(answers);
        assertThat(asked).isEmpty();
    }

    @Test
    void rowsOfAFileAreAskedOnceAndAServerThatIsBusyIsAskedAgain() throws IOException {
        Path rows = Files.writeString(folder.resolve("rows.jsonl"), ROWS);
        Path answers = folder.resolve("answers.jsonl");
        busy = 1;

        assertThat(run(rows.toString(), answers, "--limit", "2")).isZero();
        assertThat(run(rows.toString(), answers)).isZero();

        assertThat(Files.readAllLines(answers)).hasSize(3);
        assertThat(asked).containsExactlyInAnyOrder("busy", "one", "two", "three");
        assertThat(batches).isEmpty();
    }

    @Test
    void templatesAreToldHowToWriteBothQuestionsAndWantedAnswers() throws IOException {
        Path rows = Files.writeString(folder.resolve("rows.jsonl"), ROWS);
        Path answers = folder.resolve("answers.jsonl");

        assertThat(run(rows.toString(), answers, "--no-thinking", "--template-kwargs", "{\"a\":1}"))
                .isZero();

        assertThat(bodies)
                .isNotEmpty()
                .allSatisfy(body ->
                        assertThat(body.path("chat_template_kwargs").toString())
                                .isEqualTo("{\"a\":1,\"enable_thinking\":false}"));
        assertThat(run(rows.toString(), folder.resolve("x"), "--template-kwargs", "[]"))
                .isNotZero();
    }

    /// Bodies about rows; the scores of pairs of texts are written by no template.
    private void remember(JsonNode body) {
        if (!body.has("pairs")) {
            bodies.add(body);
        }
    }

    private int run(String source, Path target, String... more) throws IOException {
        Path key = Files.writeString(folder.resolve("key"), "secret");
        var words = new ArrayList<>(List.of(source, "--model", "nano", "-o", target.toString()));
        words.addAll(List.of("--key-file", key.toString(), "--parallel", "2"));
        words.addAll(List.of("--url", "http://127.0.0.1:" + server.getAddress().getPort()));
        words.addAll(List.of(more));
        return new CommandLine(new PredictCommand()).execute(words.toArray(String[]::new));
    }

    private synchronized void file(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        if (path.endsWith("/content")) {
            reply(exchange, 200, files.getOrDefault(path.split("/")[3], ""));
            return;
        }
        String form = text(exchange);
        String id = "file-" + files.size();
        int start = form.indexOf("octet-stream\r\n\r\n") + "octet-stream\r\n\r\n".length();
        files.put(id, form.substring(start, form.lastIndexOf("\r\n--")));
        reply(exchange, 200, "{\"id\":\"%s\"}".formatted(id));
    }

    private synchronized void batch(HttpExchange exchange) throws IOException {
        String[] path = exchange.getRequestURI().getPath().split("/");
        if (exchange.getRequestMethod().equals("POST")) {
            batches.add(answered((ObjectNode) Api.JSON.readTree(text(exchange))));
            reply(exchange, 200, batches.getLast().toString());
        } else if (path.length == 4) {
            reply(exchange, 200, batches.get(Integer.parseInt(path[3])).toString());
        } else {
            ArrayNode data = Api.JSON.createArrayNode().addAll(batches);
            reply(exchange, 200, "{\"data\":%s}".formatted(data));
        }
    }

    /// Answers every line but the second.
    private ObjectNode answered(ObjectNode batch) throws IOException {
        String input = files.getOrDefault(batch.path("input_file_id").asText(), "");
        var good = new StringBuilder();
        var bad = new StringBuilder();
        for (String line : input.strip().split("\n")) {
            String id = Api.JSON.readTree(line).path("custom_id").asText();
            if (id.equals("row-2")) {
                bad.append(line(id, 400, "{\"error\":{\"message\":\"row-2 is too long\"}}"));
            } else if (batch.path("endpoint").asText().equals(Asking.CHAT)) {
                good.append(line(id, 200, message("said " + id)));
            } else {
                good.append(line(id, 200, "{\"data\":[{\"tokens\":1,\"loss\":0.5,\"hits\":1}]}"));
            }
        }
        String name = "file-of-" + batches.size();
        files.put(name + "-good", good.toString());
        files.put(name + "-bad", bad.toString());
        return batch.put("id", Integer.toString(batches.size()))
                .put("status", "completed")
                .put("output_file_id", name + "-good")
                .put("error_file_id", name + "-bad");
    }

    private static String line(String id, int status, String body) {
        return "{\"custom_id\":\"%s\",\"response\":{\"status_code\":%d,\"body\":%s}}\n"
                .formatted(id, status, body);
    }

    private static String message(String text) {
        return "{\"choices\":[{\"message\":{\"content\":\"%s\"}}]}".formatted(text);
    }

    private synchronized void chat(HttpExchange exchange) throws IOException {
        JsonNode body = Api.JSON.readTree(text(exchange));
        remember(body);
        if (busy-- > 0) {
            asked.add("busy");
            reply(exchange, 429, "{\"error\":{\"message\":\"this minute is used up\"}}");
            return;
        }
        String question = body.path("messages").path(0).path("content").asText();
        asked.add(question);
        reply(exchange, 200, message("said " + question));
    }

    /// As many empty scores as are asked for.
    private void scores(HttpExchange exchange) throws IOException {
        JsonNode body = Api.JSON.readTree(text(exchange));
        remember(body);
        ArrayNode data = Api.JSON.createArrayNode();
        for (int i = 0; i < Math.max(body.path("pairs").size(), body.path("rows").size()); i++) {
            data.addObject();
        }
        reply(exchange, 200, "{\"data\":%s}".formatted(data));
    }

    private static String text(HttpExchange exchange) throws IOException {
        return new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
    }

    private static void reply(HttpExchange exchange, int status, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
        try (OutputStream body = exchange.getResponseBody()) {
            body.write(bytes);
        }
    }
}
