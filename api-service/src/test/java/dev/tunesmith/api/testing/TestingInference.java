package dev.tunesmith.api.testing;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.tunesmith.contracts.serving.ServingGrant;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/// Answers in place of inference-service. The words of a request steer it: `endless` streams until
/// the client leaves, `break` ends a stream in the middle, `silent` never answers, `score` is
/// answered with a number.
final class TestingInference {
    static final String GRANT_KEY = "grant key of the tests, 32 bytes or more";

    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final AtomicInteger cancelled = new AtomicInteger();
    private final HttpServer server = bound();

    private static HttpServer bound() {
        try {
            return HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    String start() {
        server.setExecutor(threads);
        server.createContext("/v1/", this::complete);
        server.createContext("/cancelled", this::tellCancelled);
        server.start();
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    void stop() {
        server.stop(0);
        threads.shutdownNow();
    }

    private void tellCancelled(HttpExchange exchange) throws IOException {
        answer(exchange, 200, Integer.toString(cancelled.get()));
    }

    private void complete(HttpExchange exchange) throws IOException {
        String body = new String(exchange.getRequestBody().readAllBytes(), UTF_8);
        String grant = exchange.getRequestHeaders().getFirst(ServingGrant.HEADER);
        ServingGrant.Verdict verdict =
                ServingGrant.verify(
                        grant == null ? "" : grant, GRANT_KEY.getBytes(UTF_8), Instant.now());
        if (!(verdict instanceof ServingGrant.Valid(ServingGrant granted))) {
            answer(exchange, 403, "{\"error\":{\"message\":\"no grant\"}}");
            return;
        }
        try (exchange) {
            if (body.contains("silent")) {
                waitForever(exchange);
            } else if (body.contains("\"stream\":true")) {
                stream(exchange, body);
            } else if (body.contains("too long")) {
                answer(
                        exchange,
                        400,
                        """
                        {"error":{"message":"too long","type":"invalid_request_error","param":"messages",\
                        "code":"context_length_exceeded"}}
                        """);
            } else if (body.contains("score 7")) {
                answer(exchange, 200, whole(granted.model(), "I give it a 7."));
            } else {
                String seen = granted.kind() + " for " + granted.tenant();
                answer(exchange, 200, whole(granted.model(), seen));
            }
        }
    }

    private void stream(HttpExchange exchange, String body) throws IOException {
        exchange.getResponseHeaders().set("content-type", "text/event-stream");
        // A length that is never reached makes the end of the connection an error.
        exchange.sendResponseHeaders(200, body.contains("break") ? 1 << 20 : 0);
        OutputStream out = exchange.getResponseBody();
        try {
            int chunks = body.contains("endless") ? Integer.MAX_VALUE : 3;
            for (int i = 0; i < chunks; i++) {
                out.write(chunk("word" + i + " ").getBytes(UTF_8));
                out.flush();
                Thread.sleep(20);
                if (body.contains("break") && i == 1) {
                    throw new IllegalStateException("the test asks for a broken stream");
                }
            }
            out.write("data: [DONE]\n\n".getBytes(UTF_8));
            out.close();
        } catch (IOException e) {
            cancelled.incrementAndGet();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /// Notices a client that leaves by writing to it, as the wire has no other way.
    private void waitForever(HttpExchange exchange) throws IOException {
        try {
            Thread.sleep(1500);
            exchange.sendResponseHeaders(200, 0);
            for (int i = 0; i < 100; i++) {
                exchange.getResponseBody().write(' ');
                exchange.getResponseBody().flush();
                Thread.sleep(20);
            }
        } catch (IOException e) {
            cancelled.incrementAndGet();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static String chunk(String text) {
        return """
        data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m",\
        "choices":[{"index":0,"delta":{"role":"assistant","content":"%s"},"logprobs":null,\
        "finish_reason":null}]}

        """
                .formatted(text);
    }

    private static String whole(String model, String text) {
        return """
        {"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"%s","choices":[{"index":0,\
        "message":{"role":"assistant","content":"%s","refusal":null},"logprobs":null,\
        "finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}
        """
                .formatted(model, text);
    }

    private static void answer(HttpExchange exchange, int status, String body) throws IOException {
        byte[] bytes = body.getBytes(UTF_8);
        exchange.getResponseHeaders().set("content-type", "application/json");
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }
}
