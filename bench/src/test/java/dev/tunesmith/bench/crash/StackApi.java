package dev.tunesmith.bench.crash;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/// A client of the stack that waits out every outage, as a user's script would: no answer, 429 and
/// 5xx are tried again; a create carries an idempotency key, so that its repeat is the same job.
final class StackApi implements AutoCloseable {
    static final ObjectMapper JSON = new ObjectMapper();

    private static final Duration ANSWER_WITHIN = Duration.ofSeconds(30);
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private final PackagedStack stack;
    private final HttpClient client = HttpClient.newHttpClient();

    StackApi(PackagedStack stack) {
        this.stack = stack;
    }

    /// An answer that is no outage.
    record Reply(int status, byte[] body) {
        JsonNode json() {
            try {
                return JSON.readTree(body);
            } catch (IOException e) {
                throw new AssertionError("no JSON: " + new String(body, UTF_8), e);
            }
        }
    }

    JsonNode get(String path) {
        return expect(path, once -> once.GET());
    }

    byte[] bytes(String path) {
        return insist(path, once -> once.GET()).body();
    }

    JsonNode create(JsonNode spec) {
        String key = UUID.randomUUID().toString();
        return expect(
                "/v1/fine_tuning/jobs",
                once ->
                        once.header("content-type", "application/json")
                                .header("idempotency-key", key)
                                .POST(BodyPublishers.ofString(spec.toString())));
    }

    /// The id of the file. A repeat after an unknown outcome may leave a second file.
    String upload(String name, byte[] content) {
        return expect("/v1/files", once -> form(once, name, content)).path("id").asText();
    }

    /// One try: the id of the file, or nothing when the outcome is unknown or a refusal.
    Optional<String> tryUpload(String name, byte[] content) {
        return attempt("/v1/files", once -> form(once, name, content))
                .filter(reply -> reply.status() == 200)
                .map(reply -> reply.json().path("id").asText());
    }

    /// One try of a chat completion: its text, or nothing.
    Optional<String> tryChat(String model, String question) {
        ObjectNode body = JSON.createObjectNode();
        body.put("model", model).put("max_tokens", 32).put("temperature", 0);
        body.putArray("messages").addObject().put("role", "user").put("content", question);
        return attempt(
                        "/v1/chat/completions",
                        once ->
                                once.header("content-type", "application/json")
                                        .POST(BodyPublishers.ofString(body.toString())))
                .filter(reply -> reply.status() == 200)
                .map(reply -> reply.json().at("/choices/0/message/content").asText());
    }

    /// Every id of a list, page by page.
    List<String> ids(String path) {
        var ids = new ArrayList<String>();
        String after = "";
        while (true) {
            JsonNode page = get(path + "?limit=100" + after);
            page.path("data").forEach(item -> ids.add(item.path("id").asText()));
            if (!page.path("has_more").asBoolean()) {
                return ids;
            }
            after = "&after=" + ids.getLast();
        }
    }

    /// Completes a request.
    @FunctionalInterface
    private interface Asked {
        HttpRequest.Builder of(HttpRequest.Builder once);
    }

    private static HttpRequest.Builder form(HttpRequest.Builder once, String name, byte[] content) {
        String line = "tunesmith-" + UUID.randomUUID();
        var body = new ByteArrayOutputStream();
        String head =
                """
                --%s\r
                Content-Disposition: form-data; name="purpose"\r
                \r
                fine-tune\r
                --%s\r
                Content-Disposition: form-data; name="file"; filename="%s"\r
                Content-Type: application/octet-stream\r
                \r
                """
                        .formatted(line, line, name);
        body.writeBytes(head.getBytes(UTF_8));
        body.writeBytes(content);
        body.writeBytes(("\r\n--" + line + "--\r\n").getBytes(UTF_8));
        return once.header("content-type", "multipart/form-data; boundary=" + line)
                .POST(BodyPublishers.ofByteArray(body.toByteArray()));
    }

    private JsonNode expect(String path, Asked asked) {
        return insist(path, asked).json();
    }

    private Reply insist(String path, Asked asked) {
        long until = System.nanoTime() + PATIENCE.toNanos();
        while (true) {
            Optional<Reply> reply = attempt(path, asked);
            if (reply.isPresent() && reply.get().status() == 200) {
                return reply.get();
            }
            if (reply.isPresent() && reply.get().status() < 500 && reply.get().status() != 429) {
                throw new AssertionError(
                        "%s: %d %s"
                                .formatted(
                                        path,
                                        reply.get().status(),
                                        new String(reply.get().body(), UTF_8)));
            }
            if (System.nanoTime() > until) {
                throw new AssertionError(
                        "%s: no answer in %s, last %s%s"
                                .formatted(
                                        path,
                                        PATIENCE,
                                        reply.map(Reply::status).orElse(0),
                                        stack.logs()));
            }
            PackagedStack.pause(100);
        }
    }

    private Optional<Reply> attempt(String path, Asked asked) {
        try {
            HttpRequest.Builder once =
                    HttpRequest.newBuilder(URI.create(stack.url() + path))
                            .timeout(ANSWER_WITHIN)
                            .header("authorization", "Bearer " + stack.key("demo"));
            HttpResponse<byte[]> answer =
                    client.send(asked.of(once).build(), BodyHandlers.ofByteArray());
            return Optional.of(new Reply(answer.statusCode(), answer.body()));
        } catch (IOException | IllegalArgumentException _) {
            return Optional.empty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    @Override
    public void close() {
        client.close();
    }
}
