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
    private static final String LOOPBACK = "127.0.0.1";

    private final Layout layout;
    private final StackFolder folder;
    private final int apiPort;

    public Stack(Layout layout, StackFolder folder, int wishedPort) {
        this.layout = layout;
        this.folder = folder;
        this.apiPort = folder.port("api", wishedPort);
    }

    public String url() {
        return "http://" + LOOPBACK + ":" + apiPort;
    }

    /// All parts; each names what it waits for.
    public List<Part> parts() {
        int sql = folder.port("sql", 0);
        int kafka = folder.port("kafka", 0);
        int controller = folder.port("kafka-controller", 0);
        int objects = folder.port("objects", 0);
        int inference = folder.port("inference", 0);
        String database = "jdbc:postgresql://" + LOOPBACK + ":" + sql + "/tunesmith";
        Map<String, String> common = new HashMap<>();
        common.put("TUNESMITH_KAFKA_BOOTSTRAP", LOOPBACK + ":" + kafka);
        common.put("TUNESMITH_OBJECTS_ENDPOINT", "http://" + LOOPBACK + ":" + objects);
        common.put("TUNESMITH_OBJECTS_ACCESS_KEY", "tunesmith");
        common.put("TUNESMITH_OBJECTS_SECRET_KEY", folder.secret("objects"));
        common.put("TUNESMITH_OBJECTS_BUCKET", "tunesmith");
        common.put("TUNESMITH_OBJECTS_REGION", "us-east-1");
        common.put("TUNESMITH_GRANT_KEY", folder.secret("grant"));
        return List.of(
                node(
                        "postgres",
                        "PostgresNode",
                        "64m",
                        Map.of(
                                "TUNESMITH_SQL_PORT", "" + sql,
                                "TUNESMITH_SQL_OWNER_PASSWORD", folder.secret("sql-owner"),
                                "TUNESMITH_DATA", folder.folder("postgres").toString())),
                node(
                        "kafka",
                        "KafkaNode",
                        "192m",
                        Map.of(
                                "TUNESMITH_KAFKA_PORT", "" + kafka,
                                "TUNESMITH_KAFKA_CONTROLLER_PORT", "" + controller,
                                "TUNESMITH_DATA", folder.folder("kafka").toString())),
                node(
                        "objects",
                        "S3Node",
                        "128m",
                        Map.of(
                                "TUNESMITH_OBJECTS_PORT",
                                "" + objects,
                                "TUNESMITH_OBJECTS_ACCESS_KEY",
                                "tunesmith",
                                "TUNESMITH_OBJECTS_SECRET_KEY",
                                folder.secret("objects"),
                                "TUNESMITH_DATA",
                                folder.folder("objects").toString())),
                migrate(database),
                service(
                        "inference-service",
                        inference,
                        "512m",
                        List.of("objects"),
                        with(
                                common,
                                Map.of(
                                        "TUNESMITH_WORK_DIR",
                                        folder.folder("inference").toString()))),
                service(
                        "api-service",
                        apiPort,
                        "256m",
                        List.of("migrate", "kafka", "objects"),
                        with(
                                common,
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
                                        "http://" + LOOPBACK + ":" + inference))),
                service(
                        "scheduler-service",
                        folder.port("scheduler", 0),
                        "192m",
                        List.of("migrate", "kafka", "objects"),
                        with(
                                common,
                                Map.of(
                                        "TUNESMITH_SQL_URL",
                                        database,
                                        "TUNESMITH_SQL_USER",
                                        "scheduler",
                                        "TUNESMITH_SQL_PASSWORD",
                                        folder.secret("sql-scheduler")))),
                trainer(
                        with(
                                common,
                                Map.of(
                                        "TUNESMITH_WORK_DIR",
                                        folder.folder("trainer").toString()))));
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
                name, layout.service(name, heap, options), environment, after, START, false, STOP);
    }

    private Part trainer(Map<String, String> environment) {
        return new Part(
                "trainer-service",
                layout.main("trainer-service", "dev.tunesmith.trainer.Main", "128m", List.of()),
                environment,
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
