package dev.tunesmith.standalone;

import java.nio.file.Path;

/// Where PostgreSQL, Kafka and S3 of a test run come from. The tests are the same for all.
interface ServerSource {
    /// System property that names the source: `embedded` (when it is missing), `installed` or
    /// `containers`.
    String PROPERTY = "test.servers";

    /// A started server.
    ///
    /// @param at its address
    /// @param handle stops it
    record Started<T>(T at, AutoCloseable handle) {}

    /// A PostgreSQL whose superuser and owner have the password.
    Started<SqlServer> postgres(Path folder, String password);

    /// A broker with all topics, as `host:port`.
    Started<String> kafka(Path folder, Path log);

    /// An S3 server with the bucket [S3Node#BUCKET], as URL.
    ///
    /// @param secret of the access key [TestStack#ACCESS_KEY]
    Started<String> objects(Path folder, String secret, Path log);

    /// The source that the property names.
    ///
    /// @throws IllegalArgumentException when it names none
    static ServerSource chosen() {
        String name = System.getProperty(PROPERTY, "embedded");
        return switch (name) {
            case "embedded", "" -> new EmbeddedSource();
            case "installed" -> new InstalledSource();
            case "containers" -> new ContainerSource();
            default ->
                    throw new IllegalArgumentException(
                            PROPERTY + " is embedded, installed or containers, not " + name);
        };
    }
}
