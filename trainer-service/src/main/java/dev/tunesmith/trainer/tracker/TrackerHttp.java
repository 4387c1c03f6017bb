package dev.tunesmith.trainer.tracker;

import dev.tunesmith.platform.json.Json;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// JSON over HTTP to one tracker. Messages name the path and the status, never a header or a body.
final class TrackerHttp implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final int NOT_FOUND = 404;

    private final String url;
    private final Map<String, String> headers = new LinkedHashMap<>();
    private final HttpClient client =
            HttpClient.newBuilder()
                    .connectTimeout(PATIENCE)
                    .version(HttpClient.Version.HTTP_1_1)
                    .build();

    TrackerHttp(String url) {
        this.url = url;
    }

    void header(String name, String value) {
        headers.put(name, value);
    }

    static String quoted(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    Map<String, Object> send(String method, String path, Map<String, ?> body)
            throws IOException, InterruptedException {
        return answer(method, path, body)
                .orElseThrow(() -> new IOException("HTTP 404 for " + path));
    }

    /// Empty if there is no such thing.
    Optional<Map<String, Object>> find(String path) throws IOException, InterruptedException {
        return answer("GET", path, Map.of());
    }

    /// Stores bytes.
    void put(String path, byte[] content) throws IOException, InterruptedException {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create(url + path))
                        .timeout(PATIENCE)
                        .PUT(BodyPublishers.ofByteArray(content));
        headers.forEach(request::header);
        int status = client.send(request.build(), BodyHandlers.discarding()).statusCode();
        if (status / 100 != 2) {
            throw new IOException("HTTP %d for %s".formatted(status, path));
        }
    }

    private Optional<Map<String, Object>> answer(String method, String path, Map<String, ?> body)
            throws IOException, InterruptedException {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create(url + path)).timeout(PATIENCE);
        headers.forEach(request::header);
        if (method.equals("GET")) {
            request.GET();
        } else {
            request.header("Content-Type", "application/json")
                    .method(method, BodyPublishers.ofString(Json.text(body)));
        }
        HttpResponse<String> response = client.send(request.build(), BodyHandlers.ofString());
        if (response.statusCode() == NOT_FOUND) {
            return Optional.empty();
        }
        if (response.statusCode() / 100 != 2) {
            throw new IOException("HTTP %d for %s".formatted(response.statusCode(), path));
        }
        String text = response.body();
        return Optional.of(text.startsWith("{") ? Json.tree(text) : Map.of());
    }

    /// A text inside an answer.
    ///
    /// @throws IOException if it is not there
    static String text(Map<String, Object> answer, String... path) throws IOException {
        Object node = answer;
        for (String name : path) {
            node = node instanceof Map<?, ?> map ? map.get(name) : null;
        }
        if (node == null) {
            throw new IOException("the answer has no " + String.join(".", path));
        }
        return node.toString();
    }

    @Override
    public void close() {
        client.shutdownNow();
    }
}
