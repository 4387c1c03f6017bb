package dev.tunesmith.standalone;

import java.nio.file.Path;
import java.time.Duration;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.wait.strategy.Wait;
import org.testcontainers.kafka.KafkaContainer;
import org.testcontainers.utility.DockerImageName;

/// The servers as their makers' images, in containers. Testcontainers is on the class path of tests
/// in the build profile `containers` alone.
final class ContainerSource implements ServerSource {
    private static final String POSTGRES_IMAGE = "postgres:18.1";
    private static final String KAFKA_IMAGE = "apache/kafka:4.2.1";
    private static final String MINIO_IMAGE = "minio/minio:RELEASE.2025-09-07T16-13-09Z";
    private static final int POSTGRES_PORT = 5432;
    private static final int MINIO_PORT = 9000;
    private static final Duration START_WAIT = Duration.ofMinutes(3);

    @Override
    public Started<SqlServer> postgres(Path folder, String password) {
        GenericContainer<?> container =
                new GenericContainer<>(DockerImageName.parse(POSTGRES_IMAGE))
                        .withEnv("POSTGRES_PASSWORD", password)
                        .withExposedPorts(POSTGRES_PORT)
                        // Once while it makes its files, once for good.
                        .waitingFor(
                                Wait.forLogMessage(".*ready to accept connections.*", 2)
                                        .withStartupTimeout(START_WAIT));
        container.start();
        var server =
                new SqlServer(
                        container.getHost(), container.getMappedPort(POSTGRES_PORT), password);
        server.prepare();
        return new Started<>(server, container);
    }

    @Override
    public Started<String> kafka(Path folder, Path log) {
        KafkaContainer container =
                new KafkaContainer(DockerImageName.parse(KAFKA_IMAGE))
                        .withEnv("KAFKA_AUTO_CREATE_TOPICS_ENABLE", "false")
                        .withEnv("KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR", "1")
                        .withEnv("KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR", "1")
                        .withEnv("KAFKA_GROUP_SHARE_MIN_HEARTBEAT_INTERVAL_MS", "100")
                        .withEnv("KAFKA_GROUP_SHARE_HEARTBEAT_INTERVAL_MS", "250");
        container.start();
        KafkaSetup.apply(container.getBootstrapServers());
        return new Started<>(container.getBootstrapServers(), container);
    }

    @Override
    public Started<String> objects(Path folder, String secret, Path log) {
        GenericContainer<?> container =
                new GenericContainer<>(DockerImageName.parse(MINIO_IMAGE))
                        .withEnv("MINIO_ROOT_USER", TestStack.ACCESS_KEY)
                        .withEnv("MINIO_ROOT_PASSWORD", secret)
                        .withExposedPorts(MINIO_PORT)
                        // A folder below the server's root is a bucket.
                        .withCreateContainerCmdModifier(create -> create.withEntrypoint("sh", "-c"))
                        .withCommand("mkdir -p /data/" + S3Node.BUCKET + " && minio server /data")
                        .waitingFor(
                                Wait.forHttp("/minio/health/ready")
                                        .forPort(MINIO_PORT)
                                        .withStartupTimeout(START_WAIT));
        container.start();
        return new Started<>(
                "http://%s:%d".formatted(container.getHost(), container.getMappedPort(MINIO_PORT)),
                container);
    }
}
