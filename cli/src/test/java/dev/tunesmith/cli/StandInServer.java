package dev.tunesmith.cli;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;

/// A server that answers as a test says, and the commands that call it.
final class StandInServer implements AutoCloseable {
    private final HttpServer server;
    private final Path key;
    private final List<Call> calls = Collections.synchronizedList(new ArrayList<>());

    /// What a client has sent.
    ///
    /// @param at method and path with its query
    record Call(String at, String body) {}

    /// The answer to a call.
    interface Answer {
        String to(Call call);
    }

    StandInServer(Path folder) throws IOException {
        key = Files.writeString(folder.resolve("key"), "secret");
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.start();
    }

    void answer(String path, Answer answer) {
        server.createContext(path, exchange -> reply(exchange, answer));
    }

    List<Call> calls() {
        return calls;
    }

    private void reply(HttpExchange exchange, Answer answer) throws IOException {
        String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        var call = new Call(exchange.getRequestMethod() + " " + exchange.getRequestURI(), body);
        calls.add(call);
        byte[] bytes = answer.to(call).getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(200, bytes.length);
        try (OutputStream out = exchange.getResponseBody()) {
            out.write(bytes);
        }
    }

    Said run(String... words) {
        return Said.by(Stream.concat(Arrays.stream(words), connection()).toArray(String[]::new));
    }

    /// Runs a verb of a command that takes the connection itself.
    Said runVerb(String command, String... words) {
        Stream<String> begin = Stream.concat(Stream.of(command), connection());
        return Said.by(Stream.concat(begin, Arrays.stream(words)).toArray(String[]::new));
    }

    private Stream<String> connection() {
        String url = "http://127.0.0.1:" + server.getAddress().getPort();
        return Stream.of("--key-file", key.toString(), "--url", url);
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
