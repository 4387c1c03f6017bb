package dev.tunesmith.standalone.supervise;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Stream;

/// PostgreSQL, Kafka and S3 as the services see them: the embedded ones, or those that the file
/// `servers.properties` of the data folder names. Which of the two, no service can tell.
///
/// The file has all of `sql.url`, `sql.owner-password` (of the login `tunesmith`, which owns the
/// database and may create roles), `kafka.bootstrap`, `objects.endpoint`, `objects.access-key`,
/// `objects.secret-key` and `objects.bucket`.
///
/// @param external whether somebody else runs them
/// @param values by the keys of the file
/// @param ports of the embedded ones, by name
record Servers(boolean external, Map<String, String> values, Map<String, Integer> ports) {
    /// The file in the data folder.
    static final String FILE = "servers.properties";

    /// The part that makes the topics on a cluster of others.
    static final String TOPICS = "topics";

    private static final List<String> KEYS =
            List.of(
                    "sql.url",
                    "sql.owner-password",
                    "kafka.bootstrap",
                    "objects.endpoint",
                    "objects.access-key",
                    "objects.secret-key",
                    "objects.bucket");
    private static final String LOOPBACK = "127.0.0.1";

    Servers {
        values = Map.copyOf(values);
        ports = Map.copyOf(ports);
    }

    /// What the folder says.
    ///
    /// @throws IllegalArgumentException naming every key that the file lacks or has too much
    static Servers of(StackFolder folder) {
        Properties file = folder.servers();
        return file.isEmpty() ? embedded(folder) : external(file);
    }

    private static Servers external(Properties file) {
        var wrong = new ArrayList<String>();
        KEYS.stream()
                .filter(key -> file.getProperty(key, "").isBlank())
                .forEach(key -> wrong.add(key + " is missing"));
        file.stringPropertyNames().stream()
                .filter(key -> !KEYS.contains(key))
                .sorted()
                .forEach(key -> wrong.add(key + " is not known"));
        if (!wrong.isEmpty()) {
            throw new IllegalArgumentException(FILE + ": " + String.join(", ", wrong));
        }
        var values = new HashMap<String, String>();
        KEYS.forEach(key -> values.put(key, file.getProperty(key).strip()));
        return new Servers(true, values, Map.of());
    }

    private static Servers embedded(StackFolder folder) {
        Map<String, Integer> ports =
                Map.of(
                        "sql", folder.port("sql", 0),
                        "kafka", folder.port("kafka", 0),
                        "objects", folder.port("objects", 0));
        String sql = "jdbc:postgresql://%s:%d/tunesmith".formatted(LOOPBACK, ports.get("sql"));
        Map<String, String> values =
                Map.of(
                        "sql.url",
                        sql,
                        "sql.owner-password",
                        folder.secret("sql-owner"),
                        "kafka.bootstrap",
                        LOOPBACK + ":" + ports.get("kafka"),
                        "objects.endpoint",
                        "http://" + LOOPBACK + ":" + ports.get("objects"),
                        "objects.access-key",
                        "tunesmith",
                        "objects.secret-key",
                        folder.secret("objects"),
                        "objects.bucket",
                        "tunesmith");
        return new Servers(false, values, ports);
    }

    String sqlUrl() {
        return value("sql.url");
    }

    String ownerPassword() {
        return value("sql.owner-password");
    }

    String bootstrap() {
        return value("kafka.bootstrap");
    }

    String endpoint() {
        return value("objects.endpoint");
    }

    String accessKey() {
        return value("objects.access-key");
    }

    String secretKey() {
        return value("objects.secret-key");
    }

    String bucket() {
        return value("objects.bucket");
    }

    /// The port of an embedded server: `sql`, `kafka` or `objects`.
    int port(String name) {
        Integer port = ports.get(name);
        if (port == null) {
            throw new IllegalStateException(name + " is not embedded");
        }
        return port;
    }

    /// The parts to wait for: servers of others are there already, but for the topics.
    List<String> after(String... names) {
        if (!external) {
            return List.of(names);
        }
        return Stream.of(names)
                .filter(name -> !name.equals("postgres") && !name.equals("objects"))
                .map(name -> name.equals("kafka") ? TOPICS : name)
                .toList();
    }

    private String value(String key) {
        String value = values.get(key);
        if (value == null) {
            throw new IllegalStateException("nobody has set " + key);
        }
        return value;
    }
}
