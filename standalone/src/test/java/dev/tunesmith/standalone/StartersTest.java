package dev.tunesmith.standalone;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.contracts.event.Topics;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class StartersTest {
    private static final String PASSWORD = "it's a secret";

    @Test
    void postgresKeepsWhatWasCommittedWhenItIsKilled(@TempDir Path folder) throws SQLException {
        try (EmbeddedPostgres first = EmbeddedPostgres.start(folder, 0, PASSWORD)) {
            execute(first, "CREATE TABLE kept (id int)");
            execute(first, "INSERT INTO kept VALUES (1)");
            first.kill();
        }

        try (EmbeddedPostgres second = EmbeddedPostgres.start(folder, 0, PASSWORD)) {
            execute(second, "INSERT INTO kept SELECT count(*) + 1 FROM kept");
            execute(second, "DO $$ BEGIN ASSERT (SELECT max(id) = 2 FROM kept); END $$");
        }
    }

    @Test
    void postgresReplacesAServerThatAKilledParentLeft(@TempDir Path folder) throws SQLException {
        EmbeddedPostgres orphan = EmbeddedPostgres.start(folder, 0, PASSWORD);
        execute(orphan, "CREATE TABLE kept (id int)");

        try (EmbeddedPostgres heir = EmbeddedPostgres.start(folder, 0, PASSWORD)) {
            execute(heir, "INSERT INTO kept VALUES (1)");
            assertThat(ProcessHandle.of(orphan.pid()).filter(ProcessHandle::isAlive)).isEmpty();
        }
    }

    @Test
    void postgresLetsNobodyInWithoutThePassword() {
        SqlServer server = TestStack.shared().postgres();

        assertThatThrownBy(() -> DriverManager.getConnection(server.url(), "postgres", "guess"))
                .hasMessageContaining("password authentication failed");
        assertThatThrownBy(() -> DriverManager.getConnection(server.url(), "postgres", ""))
                .isInstanceOf(SQLException.class);
    }

    @Test
    void kafkaHasEveryTopicAndKeepsThemWhenItIsKilled(@TempDir Path folder) throws Exception {
        Path log = folder.resolve("kafka.log");
        ChildJvm first = KafkaNode.start(folder.resolve("data"), 0, log);
        first.kill();

        try (ChildJvm second = KafkaNode.start(folder.resolve("data"), 0, log);
                Admin admin =
                        Admin.create(Map.of("bootstrap.servers", "127.0.0.1:" + second.port()))) {
            assertThat(admin.listTopics().names().get())
                    .containsAll(Topics.FIXED)
                    .contains(Topics.dispatch("cpu"), Topics.deadLetters(Topics.REPORTS));
        }
    }

    @Test
    void objectsAreNotReadableWithoutASignature() throws Exception {
        URI bucket = URI.create(TestStack.shared().endpoint() + "/" + S3Node.BUCKET);

        HttpResponse<String> answer;
        try (HttpClient client = HttpClient.newHttpClient()) {
            answer =
                    client.send(
                            HttpRequest.newBuilder(bucket).build(),
                            HttpResponse.BodyHandlers.ofString());
        }

        assertThat(answer.statusCode()).isEqualTo(403);
    }

    private static void execute(EmbeddedPostgres server, String sql) throws SQLException {
        try (Connection connection =
                        DriverManager.getConnection(
                                server.server().url(), SqlServer.OWNER, PASSWORD);
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
