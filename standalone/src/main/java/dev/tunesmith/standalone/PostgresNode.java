package dev.tunesmith.standalone;

import java.nio.file.Path;

/// Main of the process that holds PostgreSQL: starts it, says so, and ends when it ends.
public final class PostgresNode {
    private PostgresNode() {}

    /// Reads `TUNESMITH_DATA`, `TUNESMITH_SQL_PORT` and `TUNESMITH_SQL_OWNER_PASSWORD`.
    public static void main(String[] arguments) throws InterruptedException {
        var settings = new NodeSettings(System.getenv());
        EmbeddedPostgres server =
                EmbeddedPostgres.start(
                        Path.of(settings.text("TUNESMITH_DATA")),
                        settings.number("TUNESMITH_SQL_PORT", 0),
                        settings.text("TUNESMITH_SQL_OWNER_PASSWORD"));
        Runtime.getRuntime().addShutdownHook(new Thread(server::close, "stop-postgres"));
        settings.ready("postgres", server.port(), server.pid());
        System.exit(server.await() == 0 ? 0 : 1);
    }
}
