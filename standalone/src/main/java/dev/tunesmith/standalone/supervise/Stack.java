package dev.tunesmith.standalone.supervise;

import dev.tunesmith.standalone.ChildJvm;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// The parts of the embedded platform and how they are wired: the only place that knows all of
/// them. Every service gets the same settings that it would get in production; nothing in it can
/// tell the difference.
public final class Stack {
    private static final Duration START = Duration.ofSeconds(90);
    private static final Duration STOP = Duration.ofSeconds(20);
    private static final String LOOPBACK = "127.0.0.1";

    private final Layout layout;
    private final StackFolder folder;
    private final Servers servers;
    private final int apiPort;
    private final int inferencePort;

    public Stack(Layout layout, StackFolder folder, int wishedPort) {
        this.layout = layout;
        this.folder = folder;
        this.servers = Servers.of(folder);
        this.apiPort = folder.port("api", wishedPort);
        this.inferencePort = folder.port("inference", 0);
    }

    public String url() {
        return "http://" + LOOPBACK + ":" + apiPort;
    }

    /// All parts; each names what it waits for.
    public List<Part> parts() {
        var parts = new ArrayList<Part>();
        if (servers.external()) {
            parts.add(topics());
        } else {
            parts.addAll(List.of(postgres(), kafka(), objects()));
        }
        parts.addAll(List.of(migrate(), inference(), api(), scheduler(), trainer()));
        return List.copyOf(parts);
    }

    /// What every service needs to know.
    private Map<String, String> common() {
        return Map.of(
                "TUNESMITH_KAFKA_BOOTSTRAP",
                servers.bootstrap(),
                "TUNESMITH_OBJECTS_ENDPOINT",
                servers.endpoint(),
                "TUNESMITH_OBJECTS_ACCESS_KEY",
                servers.accessKey(),
                "TUNESMITH_OBJECTS_SECRET_KEY",
                servers.secretKey(),
                "TUNESMITH_OBJECTS_BUCKET",
                servers.bucket(),
                "TUNESMITH_OBJECTS_REGION",
                "us-east-1",
                "TUNESMITH_GRANT_KEY",
                folder.secret("grant"));
    }

    private Part postgres() {
        return node(
                "postgres",
                "PostgresNode",
                "64m",
                List.of(),
                Map.of(
                        "TUNESMITH_SQL_PORT", Integer.toString(servers.port("sql")),
                        "TUNESMITH_SQL_OWNER_PASSWORD", servers.ownerPassword(),
                        "TUNESMITH_DATA", folder.folder("postgres").toString()));
    }

    private Part kafka() {
        return node(
                "kafka",
                "KafkaNode",
                "192m",
                List.of(),
                Map.of(
                        "TUNESMITH_KAFKA_PORT", Integer.toString(servers.port("kafka")),
                        "TUNESMITH_KAFKA_CONTROLLER_PORT",
                                Integer.toString(folder.port("kafka-controller", 0)),
                        "TUNESMITH_DATA", folder.folder("kafka").toString()));
    }

    private Part objects() {
        return node(
                "objects",
                "S3Node",
                "128m",
                ChildJvm.FOR_HASHING,
                Map.of(
                        "TUNESMITH_OBJECTS_PORT", Integer.toString(servers.port("objects")),
                        "TUNESMITH_OBJECTS_ACCESS_KEY", servers.accessKey(),
                        "TUNESMITH_OBJECTS_SECRET_KEY", servers.secretKey(),
                        "TUNESMITH_DATA", folder.folder("objects").toString()));
    }

    private Part inference() {
        return service(
                "inference-service",
                inferencePort,
                "512m",
                servers.after("objects"),
                Map.of("TUNESMITH_WORK_DIR", folder.folder("inference").toString()));
    }

    private Part api() {
        return service(
                "api-service",
                apiPort,
                "256m",
                servers.after("migrate", "kafka", "objects"),
                Map.of(
                        "TUNESMITH_SQL_URL",
                        servers.sqlUrl(),
                        "TUNESMITH_SQL_USER",
                        "api",
                        "TUNESMITH_SQL_PASSWORD",
                        folder.secret("sql-api"),
                        "TUNESMITH_AUTH_PEPPER",
                        folder.secret("pepper"),
                        "TUNESMITH_INFERENCE_URL",
                        "http://" + LOOPBACK + ":" + inferencePort));
    }

    private Part scheduler() {
        return service(
                "scheduler-service",
                folder.port("scheduler", 0),
                "192m",
                servers.after("migrate", "kafka", "objects"),
                Map.of(
                        "TUNESMITH_SQL_URL",
                        servers.sqlUrl(),
                        "TUNESMITH_SQL_USER",
                        "scheduler",
                        "TUNESMITH_SQL_PASSWORD",
                        folder.secret("sql-scheduler")));
    }

    private Part node(
            String name,
            String mainClass,
            String heap,
            List<String> options,
            Map<String, String> environment) {
        return new Part(
                name,
                layout.main("standalone", "dev.tunesmith.standalone." + mainClass, heap, options),
                environment,
                List.of(),
                START,
                false,
                STOP);
    }

    /// Makes the topics of a cluster that somebody else runs; the embedded broker makes its own.
    private Part topics() {
        return new Part(
                Servers.TOPICS,
                layout.main("standalone", "dev.tunesmith.standalone.KafkaSetup", "64m", List.of()),
                Map.of("TUNESMITH_KAFKA_BOOTSTRAP", servers.bootstrap()),
                List.of(),
                START,
                true,
                STOP);
    }

    /// Applies the migrations, sets the logins' passwords and makes the demo tenants when they are
    /// missing.
    private Part migrate() {
        Map<String, String> environment =
                Map.of(
                        "TUNESMITH_SQL_URL", servers.sqlUrl(),
                        "TUNESMITH_SQL_OWNER_PASSWORD", servers.ownerPassword(),
                        "TUNESMITH_SQL_API_PASSWORD", folder.secret("sql-api"),
                        "TUNESMITH_SQL_SCHEDULER_PASSWORD", folder.secret("sql-scheduler"),
                        "TUNESMITH_AUTH_PEPPER", folder.secret("pepper"),
                        "TUNESMITH_SEED_KEYS", folder.root().resolve("keys.properties").toString());
        return new Part(
                "migrate",
                layout.main("migrations", "dev.tunesmith.migrations.Migrate", "96m", List.of()),
                environment,
                servers.after("postgres"),
                START,
                true,
                STOP);
    }

    private Part service(
            String name,
            int port,
            String heap,
            List<String> after,
            Map<String, String> environment) {
        List<String> options =
                List.of(
                        "-Dquarkus.http.host=" + LOOPBACK,
                        "-Dquarkus.http.port=" + port,
                        "-Dquarkus.management.host=" + LOOPBACK,
                        "-Dquarkus.management.port=" + folder.port(name + "-management", 0));
        return new Part(
                name,
                layout.service(name, heap, options),
                with(common(), environment),
                after,
                START,
                false,
                STOP);
    }

    private Part trainer() {
        return new Part(
                "trainer-service",
                layout.main("trainer-service", "dev.tunesmith.trainer.Main", "128m", List.of()),
                with(common(), Map.of("TUNESMITH_WORK_DIR", folder.folder("trainer").toString())),
                servers.after("kafka", "objects"),
                START,
                false,
                Duration.ofSeconds(40));
    }

    private static Map<String, String> with(Map<String, String> common, Map<String, String> own) {
        var all = new HashMap<>(common);
        all.putAll(own);
        return all;
    }
}
