package dev.tunesmith.platform.objects;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.platform.objects.ObjectStore.Credentials;
import dev.tunesmith.platform.objects.ObjectStoreException.Code;
import dev.tunesmith.standalone.S3Node;
import dev.tunesmith.standalone.TestStack;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// The conformance suite on a real server: the embedded one, or the one that
/// `TUNESMITH_TEST_OBJECTS_ENDPOINT` (with `…_ACCESS_KEY`, `…_SECRET_KEY` and `…_BUCKET`) names.
@Tag("servers")
final class S3ObjectsTest extends ObjectStoreConformance {
    private static S3Objects store;

    @BeforeAll
    static void open() {
        store = S3Objects.open(credentials(System.getenv()));
        store.ensureBucket();
    }

    @AfterAll
    static void close() {
        store.close();
    }

    @Override
    ObjectStore store() {
        return store;
    }

    @Test
    void presignedUrlsOpenOneKeyForAWhile() throws Exception {
        URI put = store.presignPut(key("signed"), Duration.ofMinutes(5));
        assertThat(send(HttpRequest.newBuilder(put).PUT(text("by url"))).statusCode())
                .isEqualTo(200);

        URI get = store.presignGet(key("signed"), Duration.ofMinutes(5));
        assertThat(send(HttpRequest.newBuilder(get)).body()).isEqualTo("by url");
        URI other = URI.create(get.toString().replace("signed", "stolen"));
        assertThat(send(HttpRequest.newBuilder(other)).statusCode()).isEqualTo(403);
    }

    @Test
    void objectsAreNotReadableWithoutASignature() throws Exception {
        store.put(key("private"), bytes("x"));
        String signed = store.presignGet(key("private"), Duration.ofMinutes(5)).toString();
        URI bare = URI.create(signed.substring(0, signed.indexOf('?')));

        assertThat(send(HttpRequest.newBuilder(bare)).statusCode()).isEqualTo(403);
    }

    @Test
    void wrongCredentialsAreDenied() {
        Credentials right = store.credentials("");
        try (S3Objects stranger =
                S3Objects.open(
                        new Credentials(
                                right.endpoint(),
                                right.bucket(),
                                right.region(),
                                right.accessKey(),
                                "guess"))) {
            assertThat(failure(() -> stranger.get(key("a"), 10))).isEqualTo(Code.DENIED);
        }
    }

    @Test
    void aServerThatIsAwayIsUnavailable() {
        try (S3Objects nobody =
                S3Objects.open(
                        new Credentials("http://127.0.0.1:9", "bucket", "us-east-1", "a", "b"))) {
            assertThat(failure(() -> nobody.put(key("a"), bytes("x")))).isEqualTo(Code.UNAVAILABLE);
        }
    }

    /// A server that takes connections and says nothing.
    @Test
    @Timeout(20)
    void aServerThatHangsIsGivenUpInTime() throws IOException {
        var waits =
                new S3Waits(
                        Duration.ofSeconds(1),
                        Duration.ofMillis(300),
                        Duration.ofMillis(1200),
                        Duration.ofMillis(800));
        try (var silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
                S3Objects hanging =
                        S3Objects.open(
                                new Credentials(
                                        "http://127.0.0.1:" + silent.getLocalPort(),
                                        "bucket",
                                        "us-east-1",
                                        "a",
                                        "b"),
                                waits)) {
            long start = System.nanoTime();
            assertThat(failure(() -> hanging.put(key("a"), bytes("x"))))
                    .isEqualTo(Code.UNAVAILABLE);
            assertThat(failure(() -> hanging.head(key("a")))).isEqualTo(Code.UNAVAILABLE);
            assertThat(Duration.ofNanos(System.nanoTime() - start))
                    .isBetween(Duration.ofMillis(1600), Duration.ofSeconds(6));

            long joined = System.nanoTime();
            assertThat(
                            failure(() ->
                                    hanging.completeUpload(
                                            new ObjectStore.Upload(key("a"), "id"),
                                            List.of(new ObjectStore.Part(1, "tag")))))
                    .isEqualTo(Code.UNAVAILABLE);
            assertThat(Duration.ofNanos(System.nanoTime() - joined))
                    .isGreaterThan(Duration.ofMillis(1100));
        }
    }

    private static HttpResponse<String> send(HttpRequest.Builder request)
            throws IOException, InterruptedException {
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
        }
    }

    private static HttpRequest.BodyPublisher text(String body) {
        return HttpRequest.BodyPublishers.ofString(body);
    }

    static Credentials credentials(Map<String, String> environment) {
        String name = "TUNESMITH_TEST_OBJECTS_";
        String endpoint = environment.getOrDefault(name + "ENDPOINT", "");
        if (endpoint.isEmpty()) {
            TestStack stack = TestStack.shared();
            return new Credentials(
                    stack.endpoint(),
                    S3Node.BUCKET,
                    "us-east-1",
                    TestStack.ACCESS_KEY,
                    stack.secret());
        }
        return new Credentials(
                endpoint,
                environment.getOrDefault(name + "BUCKET", "tunesmith-test"),
                "us-east-1",
                environment.getOrDefault(name + "ACCESS_KEY", ""),
                environment.getOrDefault(name + "SECRET_KEY", ""));
    }
}
