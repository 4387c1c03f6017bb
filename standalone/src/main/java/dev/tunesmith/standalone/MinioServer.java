package dev.tunesmith.standalone;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// A MinIO server as a child process, for tests against an S3 server that is not ours. The build
/// profile `real-parts` makes the program.
final class MinioServer implements AutoCloseable {
    /// System property with the path of the program.
    static final String PROGRAM = "test.minio";

    private static final Duration START_WAIT = Duration.ofSeconds(60);
    private static final Duration POLL_EVERY = Duration.ofMillis(100);
    private static final int STOP_SECONDS = 10;

    private final Process process;
    private final String url;

    private MinioServer(Process process, String url) {
        this.process = process;
        this.url = url;
    }

    /// Starts the server on a folder and waits until it answers.
    ///
    /// @throws IllegalStateException when there is no program, or when it does not start
    static MinioServer start(Path folder, String accessKey, String secret, Path log) {
        String program = System.getProperty(PROGRAM, "");
        if (!Files.isExecutable(Path.of(program))) {
            throw new IllegalStateException(
                    "no MinIO at \"%s\" (system property %s): run the tests with the build profile real-parts"
                            .formatted(program, PROGRAM));
        }
        String address = "127.0.0.1:" + Ports.free();
        List<String> command =
                List.of(
                        program,
                        "server",
                        folder.toString(),
                        "--address",
                        address,
                        "--console-address",
                        "127.0.0.1:" + Ports.free());
        try {
            // A folder below the server's root is a bucket.
            Files.createDirectories(folder.resolve(S3Node.BUCKET));
            ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
            builder.redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
            builder.environment().put("MINIO_ROOT_USER", accessKey);
            builder.environment().put("MINIO_ROOT_PASSWORD", secret);
            builder.environment().put("MINIO_UPDATE", "off");
            var server = new MinioServer(builder.start(), "http://" + address);
            server.awaitReady(log);
            return server;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot start MinIO in " + folder, e);
        }
    }

    String url() {
        return url;
    }

    private void awaitReady(Path log) throws IOException {
        HttpRequest health =
                HttpRequest.newBuilder(URI.create(url + "/minio/health/ready")).build();
        long deadline = System.nanoTime() + START_WAIT.toNanos();
        try (HttpClient client = HttpClient.newHttpClient()) {
            while (process.isAlive() && System.nanoTime() < deadline) {
                if (answers(client, health)) {
                    return;
                }
                Ports.pause(POLL_EVERY);
            }
        }
        close();
        throw new IllegalStateException("MinIO did not start:\n" + Files.readString(log));
    }

    private static boolean answers(HttpClient client, HttpRequest request) {
        try {
            return client.send(request, HttpResponse.BodyHandlers.discarding()).statusCode() == 200;
        } catch (IOException _) {
            return false;
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            process.destroyForcibly();
        }
    }
}
