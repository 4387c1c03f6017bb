package dev.tunesmith.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/// The server, as one authenticated client. Every answer outside 2xx becomes a [CommandFailure]
/// that says what the server said; a server that cannot be reached is a platform failure, safe to
/// retry.
public final class Api {
    public static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration CONNECT = Duration.ofSeconds(5);
    private static final Duration ANSWER = Duration.ofMinutes(2);
    private static final int TRIES = 4;
    private static final int PATIENT_TRIES = 7;

    private final String address;
    private final String key;
    private final HttpClient http =
            HttpClient.newBuilder()
                    .connectTimeout(CONNECT)
                    .version(HttpClient.Version.HTTP_1_1)
                    .build();

    Api(String address, String key) {
        this.address = address;
        this.key = key;
    }

    /// A value for a path or a query.
    public static String quoted(String value) {
        return URLEncoder.encode(value, StandardCharsets.UTF_8).replace("+", "%20");
    }

    /// What a path answers.
    public JsonNode get(String path) {
        return json(text(request(path).timeout(ANSWER).GET().build(), TRIES));
    }

    /// Asks a model, which changes nothing and may be repeated: a server that is away for a moment
    /// or says that this minute is used up is asked again for half a minute.
    public JsonNode ask(String path, JsonNode body) {
        return json(text(json(path, body).build(), PATIENT_TRIES));
    }

    /// Posts JSON.
    public JsonNode post(String path, JsonNode body) {
        return post(path, body, "");
    }

    /// Posts JSON; a non-empty idempotency key makes the call safe to repeat.
    public JsonNode post(String path, JsonNode body, String idempotencyKey) {
        HttpRequest.Builder request = json(path, body);
        if (!idempotencyKey.isEmpty()) {
            request.header("Idempotency-Key", idempotencyKey);
        }
        return json(text(request.build(), idempotencyKey.isEmpty() ? 1 : TRIES));
    }

    private HttpRequest.Builder json(String path, JsonNode body) {
        return request(path)
                .timeout(ANSWER)
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(body.toString()));
    }

    /// Deletes what a path names.
    public JsonNode delete(String path) {
        return json(text(request(path).timeout(ANSWER).DELETE().build(), TRIES));
    }

    /// Sends a body of any length; it is not repeated, because the source may not be.
    JsonNode send(String path, String contentType, BodyPublisher body) {
        return json(text(request(path).header("Content-Type", contentType).POST(body).build(), 1));
    }

    /// Writes what the path answers into a file.
    public void download(String path, Path target) {
        HttpResponse<InputStream> response =
                exchange(request(path).GET().build(), BodyHandlers.ofInputStream());
        try (InputStream in = response.body()) {
            if (response.statusCode() / 100 != 2) {
                throw failure(
                        response.statusCode(),
                        new String(in.readAllBytes(), StandardCharsets.UTF_8));
            }
            java.nio.file.Files.copy(in, target, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new CommandFailure(
                    ExitCode.PLATFORM, "download of " + path + " broke off: " + e.getMessage());
        }
    }

    /// Opens a stream of lines, such as server-sent events. The caller closes it.
    Stream<String> lines(HttpRequest.Builder request) {
        HttpResponse<Stream<String>> response = exchange(request.build(), BodyHandlers.ofLines());
        if (response.statusCode() / 100 != 2) {
            try (Stream<String> body = response.body()) {
                throw failure(response.statusCode(), String.join("\n", body.toList()));
            }
        }
        return response.body();
    }

    HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(address + path))
                .header("Authorization", "Bearer " + key)
                .header("User-Agent", "tunesmith-cli");
    }

    private String text(HttpRequest request, int tries) {
        for (int attempt = 1; ; attempt++) {
            try {
                HttpResponse<String> response = exchange(request, BodyHandlers.ofString());
                if (response.statusCode() / 100 == 2) {
                    return response.body();
                }
                throw failure(response.statusCode(), response.body());
            } catch (CommandFailure e) {
                boolean passes =
                        e.exitCode() == ExitCode.PLATFORM
                                || (e.exitCode() == ExitCode.QUOTA && tries == PATIENT_TRIES);
                if (attempt >= tries || !passes) {
                    throw e;
                }
                sleep(attempt);
            }
        }
    }

    private static void sleep(int attempt) {
        try {
            TimeUnit.MILLISECONDS.sleep(250L << attempt);
        } catch (InterruptedException _) {
            throw new CommandFailure(ExitCode.DETACHED, "interrupted");
        }
    }

    private <T> HttpResponse<T> exchange(HttpRequest request, HttpResponse.BodyHandler<T> handler) {
        try {
            return http.send(request, handler);
        } catch (IOException e) {
            String reason = e.getMessage() == null ? "connection refused" : e.getMessage();
            throw new CommandFailure(
                    ExitCode.PLATFORM,
                    "no answer from "
                            + address
                            + " ("
                            + reason
                            + "). Is it running? Start one with \"tunesmith up\"");
        } catch (InterruptedException _) {
            throw new CommandFailure(ExitCode.DETACHED, "interrupted");
        }
    }

    private static JsonNode json(String body) {
        try {
            return JSON.readTree(body);
        } catch (JsonProcessingException e) {
            throw new CommandFailure(
                    ExitCode.PLATFORM,
                    "the server's answer is not JSON: " + e.getOriginalMessage());
        }
    }

    /// Reads both error dialects: `{"error":{…}}` and problem+json with `errors[]`.
    static CommandFailure failure(int status, String body) {
        JsonNode tree;
        try {
            tree = JSON.readTree(body);
        } catch (JsonProcessingException _) {
            return new CommandFailure(
                    ExitCode.ofStatus(status),
                    "HTTP " + status + ": " + body.lines().findFirst().orElse(""));
        }
        JsonNode error = tree.path("error");
        String message =
                error.isObject()
                        ? error.path("message").asText()
                        : tree.path("detail").asText(tree.path("title").asText());
        JsonNode list = tree.has("errors") ? tree.path("errors") : tree.path("x_errors");
        int code = ExitCode.of(status, error.path("code").asText(tree.path("code").asText()));
        List<String> problems = problems(list);
        return new CommandFailure(
                code,
                message.isEmpty() ? "HTTP " + status : message,
                problems.equals(List.of(message)) ? List.of() : problems);
    }

    private static List<String> problems(JsonNode errors) {
        var lines = new ArrayList<String>();
        for (JsonNode problem : errors) {
            String suggestion = problem.path("suggestion").asText("");
            String field = problem.path("param").asText(problem.path("field").asText(""));
            String message = problem.path("message").asText();
            lines.add(
                    (message.startsWith(field + ": ") ? "" : field + ": ")
                            + message
                            + (suggestion.isEmpty() ? "" : " (" + suggestion + ")"));
        }
        return lines;
    }
}
