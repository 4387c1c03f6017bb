package dev.tunesmith.migrations;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// What a login may not do, whatever its code says.
@Tag("servers")
final class GrantsTest {
    private static Schema schema;

    @BeforeAll
    static void migrate() {
        schema = Schema.fresh();
    }

    @Test
    void theApiChangesNothingOfAJobButWhatIsWanted() {
        UUID job = schema.submit(schema.mine(), 1);
        Sql api = schema.api(schema.mine());

        for (String change :
                List.of("state = 'QUEUED'", "priority = 9", "epoch = 5", "spec = '{}'")) {
            assertThat(api.failure("UPDATE job SET " + change)).contains("permission denied");
        }
        assertThat(api.failure("DELETE FROM job")).contains("permission denied");
        assertThat(api.update("UPDATE job SET desired = 'PAUSE' WHERE job_id = '" + job + "'"))
                .isOne();
    }

    @Test
    void theApiCannotRaiseAQuotaOrReadTheOutbox() {
        Sql api = schema.api(schema.mine());

        assertThat(api.failure("UPDATE tenant SET gpu_quota = 99")).contains("permission denied");
        assertThat(api.failure("DELETE FROM outbox")).contains("permission denied");
        assertThat(api.failure("UPDATE api_key SET expires_at = now()"))
                .contains("permission denied");
        assertThat(api.failure("UPDATE audit_log SET actor = 'x'")).contains("permission denied");
    }

    @Test
    void theSchedulerSeesNoKeysAndWritesNoIntents() {
        Sql scheduler = schema.scheduler();

        assertThat(scheduler.failure("DELETE FROM api_key")).contains("permission denied");
        assertThat(scheduler.failure("UPDATE tenant SET gpu_quota = 99"))
                .contains("permission denied");
        assertThat(scheduler.failure("DELETE FROM job")).contains("permission denied");
        assertThat(scheduler.failure("UPDATE file SET filename = 'x'"))
                .contains("permission denied");
    }

    @Test
    void theSchedulerAddsNoFilesButResults() {
        Sql scheduler = schema.scheduler();
        String insert =
                """
                INSERT INTO file (file_id, tenant_id, purpose, filename, bytes, sha256, object_key, state, processed_at)
                VALUES (gen_random_uuid(), '%s', '%s', 'x', 1, decode(repeat('ab', 32), 'hex'), 'x', 'PROCESSED', now())
                """;

        assertThat(scheduler.failure(insert.formatted(schema.mine().value(), "fine-tune")))
                .contains("row-level security");
        assertThat(scheduler.update(insert.formatted(schema.mine().value(), "fine-tune-results")))
                .isOne();
    }

    @Test
    void aServiceCannotChangeTheSchema() {
        for (Sql login : List.of(schema.api(schema.mine()), schema.scheduler())) {
            assertThat(login.failure("ALTER TABLE job DISABLE ROW LEVEL SECURITY"))
                    .contains("must be owner");
            assertThat(login.failure("CREATE TABLE x (id int)")).contains("permission denied");
            assertThat(login.failure("CALL isolate('outbox')")).contains("permission denied");
        }
    }
}
