package dev.tunesmith.standalone.supervise;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// The parts of the embedded platform and how they are wired: the only place that knows all of
/// them. Every service gets the same settings that it would get in production; nothing in it can
/// tell the difference.
public final class Stack {
    private static final Duration START = Duration.ofSeconds(90);
    private static final Duration STOP = Duration.ofSeconds(20);
    private static final String OBJECTS_USER = "tunesmith";
    private static final String LOOPBACK = "127.0.0.1";

    private final Layout layout;
    private final StackFolder folder;
    private final int apiPort;
    private final int sqlPort;
    private final int kafkaPort;
    private final int objectsPort;
    private final int inferencePort;

    public Stack(Layout layout, StackFolder folder, int wishedPort) {
        this.layout = layout;
        this.folder = folder;
        this.apiPort = folder.port("api", wishedPort);
        this.sqlPort = folder.port("sql", 0);
        this.kafkaPort = folder.port("kafka", 0);
        this.objectsPort = folder.port("objects", 0);
        this.inferencePort = folder.port("inference", 0);
    }

    public String url() {
        return "http://" + LOOPBACK + ":" + apiPort;
    }

    /// All parts; each names what it waits for.
    public List<Part> parts() {
        String database = "jdbc:postgresql://" + LOOPBACK + ":" + sqlPort + "/tunesmith";
        return List.of(
                postgres(),
                kafka(),
                objects(),
                migrate(database),
                inference(),
                api(database),
                scheduler(database),
                trainer());
    }

    /// What every service needs to know.
    private Map<String, String> common() {
        return Map.of(
                "TUNESMITH_KAFKA_BOOTSTRAP",
                LOOPBACK + ":" + kafkaPort,
                "TUNESMITH_OBJECTS_ENDPOINT",
                "http://" + LOOPBACK + ":" + objectsPort,
                "TUNESMITH_OBJECTS_ACCESS_KEY",
                OBJECTS_USER,
                "TUNESMITH_OBJECTS_SECRET_KEY",
                folder.secret("objects"),
                "TUNESMITH_OBJECTS_BUCKET",
                "tunesmith",
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
                Map.of(
                        "TUNESMITH_SQL_PORT", Integer.toString(sqlPort),
                        "TUNESMITH_SQL_OWNER_PASSWORD", folder.secret("sql-owner"),
                        "TUNESMITH_DATA", folder.folder("postgres").toString()));
    }

    private Part kafka() {
        return node(
                "kafka",
                "KafkaNode",
                "192m",
                Map.of(
                        "TUNESMITH_KAFKA_PORT", Integer.toString(kafkaPort),
                        "TUNESMITH_KAFKA_CONTROLLER_PORT",
                                Integer.toString(folder.port("kafka-controller", 0)),
                        "TUNESMITH_DATA", folder.folder("kafka").toString()));
    }

    private Part objects() {
        return node(
                "objects",
                "S3Node",
                "128m",
                Map.of(
                        "TUNESMITH_OBJECTS_PORT", Integer.toString(objectsPort),
                        "TUNESMITH_OBJECTS_ACCESS_KEY", OBJECTS_USER,
                        "TUNESMITH_OBJECTS_SECRET_KEY", folder.secret("objects"),
                        "TUNESMITH_DATA", folder.folder("objects").toString()));
    }

    private Part inference() {
        return service(
                "inference-service",
                inferencePort,
                "512m",
                List.of("objects"),
                Map.of("TUNESMITH_WORK_DIR", folder.folder("inference").toString()));
    }

    private Part api(String database) {
        return service(
                "api-service",
                apiPort,
                "256m",
                List.of("migrate", "kafka", "objects"),
                Map.of(
                        "TUNESMITH_SQL_URL",
                        database,
                        "TUNESMITH_SQL_USER",
                        "api",
                        "TUNESMITH_SQL_PASSWORD",
                        folder.secret("sql-api"),
                        "TUNESMITH_AUTH_PEPPER",
                        folder.secret("pepper"),
                        "TUNESMITH_INFERENCE_URL",
                        "http://" + LOOPBACK + ":" + inferencePort));
    }

    private Part scheduler(String database) {
        return service(
                "scheduler-service",
                folder.port("scheduler", 0),
                "192m",
                List.of("migrate", "kafka", "objects"),
                Map.of(
                        "TUNESMITH_SQL_URL",
                        database,
                        "TUNESMITH_SQL_USER",
                        "scheduler",
                        "TUNESMITH_SQL_PASSWORD",
                        folder.secret("sql-scheduler")));
    }

    private Part node(String name, String mainClass, String heap, Map<String, String> environment) {
        return new Part(
                name,
                layout.main("standalone", "dev.tunesmith.standalone." + mainClass, heap, List.of()),
                environment,
                List.of(),
                START,
                false,
                STOP);
    }

    /// Applies the migrations, sets the logins' passwords and makes the demo tenants when they are
    /// missing.
    private Part migrate(String database) {
        Map<String, String> environment =
                Map.of(
                        "TUNESMITH_SQL_URL", database,
                        "TUNESMITH_SQL_OWNER_PASSWORD", folder.secret("sql-owner"),
                        "TUNESMITH_SQL_API_PASSWORD", folder.secret("sql-api"),
                        "TUNESMITH_SQL_SCHEDULER_PASSWORD", folder.secret("sql-scheduler"),
                        "TUNESMITH_AUTH_PEPPER", folder.secret("pepper"),
                        "TUNESMITH_SEED_KEYS", folder.root().resolve("keys.properties").toString());
        return new Part(
                "migrate",
                layout.main("migrations", "dev.tunesmith.migrations.Migrate", "96m", List.of()),
                environment,
                List.of("postgres"),
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
                List.of("kafka", "objects"),
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
