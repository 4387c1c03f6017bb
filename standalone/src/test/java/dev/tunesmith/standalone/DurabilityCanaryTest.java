package dev.tunesmith.standalone;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// D1: what the server acknowledged is there after it was killed. The mutant is a session with
/// `synchronous_commit=off`, and the same test must find what it lost.
final class DurabilityCanaryTest {
    private static final String PASSWORD = "secret";
    private static final long ACKNOWLEDGED_MIN = 200;
    private static final long WRITE_SECONDS_MAX = 20;

    @TempDir Path folder;

    @Test
    void onlyADurableCommitSurvivesTheKill() throws Exception {
        long durable;
        try (EmbeddedPostgres server = EmbeddedPostgres.start(folder, 0, PASSWORD)) {
            execute(server, "CREATE TABLE word (id bigint, mode text)");
            execute(server, "ALTER SYSTEM SET wal_writer_delay = '10s'");
            execute(server, "SELECT pg_reload_conf()");
            durable = writeAndKill(server, "on");
        }
        long hasty;
        try (EmbeddedPostgres server = EmbeddedPostgres.start(folder, 0, PASSWORD)) {
            assertThat(kept(server, "on")).isGreaterThanOrEqualTo(durable);
            hasty = writeAndKill(server, "off");
        }
        try (EmbeddedPostgres server = EmbeddedPostgres.start(folder, 0, PASSWORD)) {
            assertThat(kept(server, "off")).isLessThan(hasty);
        }
    }

    /// Returns how many rows were acknowledged before a kill in the middle of writing.
    private static long writeAndKill(EmbeddedPostgres server, String synchronousCommit)
            throws InterruptedException {
        var acknowledged = new AtomicLong();
        Thread writer =
                Thread.ofPlatform()
                        .start(() -> writeUntilKilled(server, synchronousCommit, acknowledged));
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(WRITE_SECONDS_MAX);
        while (acknowledged.get() < ACKNOWLEDGED_MIN && System.nanoTime() < until) {
            Thread.sleep(5);
        }
        server.kill();
        writer.join();
        assertThat(acknowledged.get()).isGreaterThanOrEqualTo(ACKNOWLEDGED_MIN);
        return acknowledged.get();
    }

    private static long kept(EmbeddedPostgres server, String mode) throws SQLException {
        try (Connection connection = connect(server);
                Statement statement = connection.createStatement();
                ResultSet row =
                        statement.executeQuery(
                                "SELECT count(*) FROM word WHERE mode = '" + mode + "'")) {
            assertThat(row.next()).isTrue();
            return row.getLong(1);
        }
    }

    private static void writeUntilKilled(
            EmbeddedPostgres server, String synchronousCommit, AtomicLong acknowledged) {
        try (Connection connection = connect(server);
                Statement statement = connection.createStatement()) {
            statement.execute("SET synchronous_commit = " + synchronousCommit);
            while (true) {
                statement.execute(
                        "INSERT INTO word VALUES (%d, '%s')"
                                .formatted(acknowledged.get(), synchronousCommit));
                acknowledged.incrementAndGet();
            }
        } catch (SQLException _) {
            // The kill.
        }
    }

    private static void execute(EmbeddedPostgres server, String sql) throws SQLException {
        try (Connection connection = connect(server);
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static Connection connect(EmbeddedPostgres server) throws SQLException {
        return DriverManager.getConnection(
                server.server().url("postgres"), "postgres", server.server().password());
    }
}
