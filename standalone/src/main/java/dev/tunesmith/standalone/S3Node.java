package dev.tunesmith.standalone;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.auth.AuthenticationType;
import org.gaul.s3proxy.nio2blob.FilesystemNio2BlobStore;

/// An S3 server in one process, with its objects in a folder and one bucket. It checks signatures.
///
/// It has no policies, no life cycle and no token service, so every part of an embedded platform
/// shares one credential; what keeps writers apart is the create-only rule.
public final class S3Node {
    /// The one bucket.
    public static final String BUCKET = "tunesmith";

    private static final String HOST = "127.0.0.1";

    /// Single PUTs are at most this long; everything longer comes in parts.
    private static final long SINGLE_PUT_BYTES_MAX = 256L << 20;

    private S3Node() {}

    /// Reads `TUNESMITH_DATA`, `TUNESMITH_OBJECTS_PORT`, `TUNESMITH_OBJECTS_ACCESS_KEY` and
    /// `TUNESMITH_OBJECTS_SECRET_KEY`.
    public static void main(String[] arguments) throws Exception {
        var settings = new NodeSettings(System.getenv());
        Path data = Path.of(settings.text("TUNESMITH_DATA"));
        createBucket(data);
        int wished = settings.number("TUNESMITH_OBJECTS_PORT", 0);
        S3Proxy server =
                S3Proxy.builder()
                        .blobStore(new FilesystemNio2BlobStore(data.toString()))
                        .endpoint(URI.create("http://" + HOST + ":" + wished))
                        .awsAuthentication(
                                AuthenticationType.AWS_V4,
                                settings.text("TUNESMITH_OBJECTS_ACCESS_KEY"),
                                settings.text("TUNESMITH_OBJECTS_SECRET_KEY"))
                        .v4MaxNonChunkedRequestSize(SINGLE_PUT_BYTES_MAX)
                        .jettyMaxThreads(64)
                        .ignoreUnknownHeaders(true)
                        .build();
        server.start();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(server), "stop-objects"));
        settings.ready("objects", server.getPort(), ProcessHandle.current().pid());
        new CountDownLatch(1).await();
    }

    /// Starts the main of this class as a child process.
    public static ChildJvm start(
            Path data, int port, String accessKey, String secretKey, Path log) {
        return ChildJvm.start(
                S3Node.class,
                "128m",
                ChildJvm.FOR_HASHING,
                Map.of(
                        "TUNESMITH_DATA",
                        data.toString(),
                        "TUNESMITH_OBJECTS_PORT",
                        Integer.toString(port),
                        "TUNESMITH_OBJECTS_ACCESS_KEY",
                        accessKey,
                        "TUNESMITH_OBJECTS_SECRET_KEY",
                        secretKey),
                log);
    }

    /// The server takes a folder that others may read for a public bucket, and would serve it
    /// without a signature.
    private static void createBucket(Path data) throws IOException {
        Path bucket = Files.createDirectories(data.resolve(BUCKET));
        Files.setPosixFilePermissions(bucket, PosixFilePermissions.fromString("rwx------"));
    }

    private static void stop(S3Proxy server) {
        try {
            server.stop();
        } catch (Exception e) {
            System.err.println("the object server did not stop cleanly: " + e);
        }
    }
}
