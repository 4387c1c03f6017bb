package dev.tunesmith.standalone;

import java.nio.file.Path;

/// The servers that others run in production: PostgreSQL from the system's packages, MinIO built
/// from its source, and Kafka as a process of its own.
final class InstalledSource implements ServerSource {
    @Override
    public Started<SqlServer> postgres(Path folder, String password) {
        EmbeddedPostgres server =
                EmbeddedPostgres.start(PostgresBinaries.installed(), folder, 0, password);
        return new Started<>(server.server(), server::abandon);
    }

    @Override
    public Started<String> kafka(Path folder, Path log) {
        return new EmbeddedSource().kafka(folder, log);
    }

    @Override
    public Started<String> objects(Path folder, String secret, Path log) {
        MinioServer server = MinioServer.start(folder, TestStack.ACCESS_KEY, secret, log);
        return new Started<>(server.url(), server);
    }
}
