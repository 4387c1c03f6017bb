package dev.tunesmith.migrations;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.UUID;
import org.junit.jupiter.api.Test;

/// Each change leaves a row in its own transaction, and a row that is changed breaks the chain.
final class AuditTest {
    private final Schema schema = Schema.fresh();

    @Test
    void everyChangeIsInTheLogWithWhoDidItAndFromWhere() {
        UUID job = schema.submit(schema.mine(), 1);
        Sql api =
                schema.api(schema.mine())
                        .with("app.actor", "key:abc")
                        .with("app.context", "{\"request\": \"req_1\"}");
        api.update("UPDATE job SET desired = 'PAUSE' WHERE job_id = '" + job + "'");
        api.update("UPDATE job SET desired = 'PAUSE' WHERE job_id = '" + job + "'");
        api.update("UPDATE job SET desired = 'CANCEL' WHERE job_id = '" + job + "'");

        assertThat(api.column("SELECT action FROM audit_log ORDER BY seq"))
                .containsExactly("job.created", "job.pause", "job.cancel");
        assertThat(
                        api.one(
                                "SELECT actor || ' ' || object || ' ' || detail FROM audit_log WHERE action = 'job.cancel'"))
                .isEqualTo("key:abc " + job + " {\"request\": \"req_1\"}");
        assertThat(schema.api(schema.other()).column("SELECT action FROM audit_log")).isEmpty();
    }

    @Test
    void aChangeThatIsTakenBackLeavesNoRow() {
        Sql api = schema.api(schema.mine());
        api.failure(
                "INSERT INTO job (job_id, tenant_id, spec, spec_sha256) VALUES (gen_random_uuid(), '%s', '{}', 'x')"
                        .formatted(schema.mine().value()));

        assertThat(api.column("SELECT action FROM audit_log")).isEmpty();
    }

    @Test
    void aRowThatIsChangedOrTakenAwayIsFound() {
        for (int i = 0; i < 4; i++) {
            schema.submit(schema.mine(), 1);
        }
        String fault = "SELECT audit_fault('%s')".formatted(schema.mine().value());
        Sql owner = Sql.as(schema.owner(), "postgres", schema.owner().password());
        assertThat(owner.one(fault)).isEqualTo("null");
        assertThat(schema.api(schema.mine()).failure("UPDATE audit_log SET actor = 'x'"))
                .contains("permission denied");
        assertThat(schema.scheduler().failure("DELETE FROM audit_log"))
                .contains("permission denied");

        owner.update("UPDATE audit_log SET actor = 'somebody else' WHERE seq = 3");
        assertThat(owner.one(fault)).isEqualTo("3");
        owner.update("DELETE FROM audit_log WHERE seq = 2");
        assertThat(owner.one(fault)).isEqualTo("3");
    }
}
