package dev.tunesmith.platform.objects;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.sun.net.httpserver.HttpServer;
import dev.tunesmith.platform.objects.ObjectStore.Credentials;
import dev.tunesmith.platform.objects.ObjectStoreException.Code;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A server that points elsewhere gets neither our signature nor our data there: where objects lie
/// is what the operator says.
final class S3RedirectTest {

    private final List<String> asked = new CopyOnWriteArrayList<>();
    private final List<String> followed = new CopyOnWriteArrayList<>();
    private HttpServer elsewhere;

    @BeforeEach
    void open() throws IOException {
        elsewhere = server(followed, 200, "");
    }

    @AfterEach
    void close() {
        elsewhere.stop(0);
    }

    private static HttpServer server(List<String> seen, int status, String location)
            throws IOException {
        HttpServer server =
                HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext(
                "/",
                exchange -> {
                    try (exchange) {
                        seen.add(exchange.getRequestMethod() + " " + exchange.getRequestHeaders());
                        byte[] _ = exchange.getRequestBody().readAllBytes();
                        if (!location.isEmpty()) {
                            exchange.getResponseHeaders().set("Location", location);
                        }
                        byte[] body = "secret".getBytes(StandardCharsets.UTF_8);
                        boolean head = exchange.getRequestMethod().equals("HEAD");
                        exchange.sendResponseHeaders(status, head ? -1 : body.length);
                        if (!head) {
                            exchange.getResponseBody().write(body);
                        }
                    }
                });
        server.start();
        return server;
    }

    @ParameterizedTest
    @ValueSource(ints = {301, 302, 303, 307, 308})
    void isNotFollowed(int status) throws IOException {
        // Another name of this machine is another host to a client.
        String there = "http://localhost:%d/".formatted(elsewhere.getAddress().getPort());
        HttpServer pointing = server(asked, status, there);
        String here = "http://127.0.0.1:%d".formatted(pointing.getAddress().getPort());
        try (S3Objects objects =
                S3Objects.open(new Credentials(here, "bucket", "us-east-1", "key", "secret"))) {
            Map<String, Consumer<S3Objects>> calls =
                    Map.of(
                            "GET", store -> store.get("a", 10),
                            "HEAD", store -> store.head("a"),
                            "PUT", store -> store.put("a", new byte[] {1}),
                            "DELETE", store -> store.delete("a"),
                            "LIST", store -> store.list("a", "", 10),
                            "POST", store -> store.deleteAll(List.of("a", "b")));
            calls.forEach((name, call) -> refused(name, () -> call.accept(objects), there));
            assertThat(asked).as("each once, it is no use to ask again").hasSize(calls.size());
        } finally {
            pointing.stop(0);
        }
        assertThat(followed).isEmpty();
    }

    private static void refused(String name, ThrowingCallable call, String there) {
        ObjectStoreException failure = catchThrowableOfType(ObjectStoreException.class, call);
        assertThat(failure).as(name).isNotNull();
        assertThat(failure.code()).as(name).isEqualTo(Code.BROKEN);
        assertThat(failure).as(name).hasMessageContaining("points to " + there);
    }
}
