package dev.tunesmith.migrations;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Leases, epochs, quotas and the record of what happened.
@Tag("servers")
final class LeaseTest {
    private Schema schema;

    @BeforeEach
    void migrate() {
        schema = Schema.fresh();
    }

    @Test
    void theQuotaIsHeldAndGivenBack() {
        UUID first = schema.queued(schema.mine());
        UUID second = schema.queued(schema.mine());
        UUID third = schema.queued(schema.mine());
        schema.move(first, "LEASED");
        schema.move(second, "LEASED");

        assertThatThrownBy(() -> schema.move(third, "LEASED")).hasMessageContaining("quota_held");
        schema.move(first, "FAILED");
        schema.move(third, "LEASED");
        schema.move(second, "RETRY_WAIT");
        schema.move(third, "QUEUED");

        assertThat(schema.scheduler().one("SELECT sum(gpu_used) FROM tenant")).isEqualTo("0");
    }

    @Test
    void aNewLeaseNeedsANewEpochAndEpochsOnlyGrow() {
        UUID job = schema.queued(schema.mine());
        String lease =
                """
                UPDATE job SET state = 'LEASED', lease_id = gen_random_uuid(), lease_owner = 'h',
                  lease_expires_at = now()
                """;

        assertThat(schema.scheduler().failure(lease)).contains("new lease needs a new epoch");
        schema.move(job, "LEASED");
        assertThat(schema.scheduler().failure("UPDATE job SET lease_id = gen_random_uuid()"))
                .contains("new lease needs a new epoch");
        assertThat(schema.scheduler().failure("UPDATE job SET epoch = epoch - 1"))
                .contains("monotonic");
        assertThat(schema.scheduler().failure("UPDATE job SET ckpt_step = -2"))
                .contains("monotonic");
    }

    @Test
    void aCancelCannotBeWithdrawn() {
        schema.submit(schema.mine(), 1);
        Sql api = schema.api(schema.mine());
        api.update("UPDATE job SET desired = 'CANCEL'");

        assertThat(api.failure("UPDATE job SET desired = 'RUN'"))
                .contains("a cancel cannot be withdrawn");
    }

    @Test
    void everyMoveIsOneEventAndOneMessage() {
        UUID job = schema.queued(schema.mine());
        for (String state : new String[] {"LEASED", "RUNNING", "FINALIZING", "SUCCEEDED"}) {
            schema.move(job, state);
        }
        schema.scheduler().update("UPDATE job SET priority = 1");

        assertThat(
                        schema.scheduler()
                                .one(
                                        """
                                        SELECT string_agg(seq || ' ' || to_state || ' ' || actor, ', ' ORDER BY seq)
                                        FROM job_event
                                        """))
                .isEqualTo(
                        "1 VALIDATING api, 2 QUEUED test, 3 LEASED test, 4 RUNNING test,"
                                + " 5 FINALIZING test, 6 SUCCEEDED test");
        assertThat(
                        schema.scheduler()
                                .column(
                                        """
                                        SELECT payload -> 'payload' ->> 'to_state' FROM outbox
                                        WHERE topic = 'ts.jobs.v1' AND (payload ->> 'id')::uuid = msg_id
                                        ORDER BY id
                                        """))
                .containsExactly(
                        "validating", "queued", "leased", "running", "finalizing", "succeeded");
    }

    @Test
    void eachLeaseIsOneAttemptThatIsClosedWithIt() {
        UUID job = schema.queued(schema.mine());
        schema.move(job, "LEASED");
        schema.scheduler().update("UPDATE job SET lease_owner = 'host/boot'");
        schema.scheduler()
                .with("app.exit_class", "INFRA")
                .update(Moves.to("RETRY_WAIT") + " WHERE job_id = '" + job + "'");
        schema.move(job, "QUEUED");
        schema.move(job, "LEASED");

        assertThat(
                        schema.scheduler()
                                .column(
                                        """
                                        SELECT concat_ws(' ', epoch, owner, end_state, exit_class, ended_at IS NULL)
                                        FROM job_attempt ORDER BY epoch
                                        """))
                .containsExactly("1 host/boot RETRY_WAIT INFRA f", "2 unclaimed t");
    }

    @Test
    void aCheckpointIsCommittedOnceAndOnlyUnderTheLiveLease() {
        UUID job = schema.queued(schema.mine());
        schema.move(job, "LEASED");
        schema.move(job, "RUNNING");
        String live = schema.job(job, "lease_id");

        assertThat(commit(job, live, 10)).isOne();
        assertThat(commit(job, live, 10)).isZero();
        assertThat(commit(job, UUID.randomUUID().toString(), 11)).isZero();
        schema.move(job, "RETRY_WAIT");
        assertThat(commit(job, live, 12)).isZero();

        assertThat(schema.api(schema.mine()).column("SELECT step FROM checkpoint"))
                .containsExactly("10");
        assertThat(schema.job(job, "ckpt_step")).isEqualTo("10");
    }

    private int commit(UUID job, String lease, int step) {
        return schema.scheduler()
                .update(
                        """
                        WITH j AS (UPDATE job SET ckpt_step = %3$d, ckpt_manifest_key = 'k%3$d',
                            ckpt_manifest_sha256 = sha256('m'), attempt = least(attempt, 1), loss_repeat = 0
                          WHERE job_id = '%1$s' AND epoch = 1 AND lease_id = '%2$s' AND ckpt_step < %3$d
                            AND state IN ('RUNNING','PAUSING','FINALIZING') RETURNING job_id, epoch, lease_id)
                        INSERT INTO checkpoint
                        SELECT job_id, %3$d, epoch, lease_id, 'k%3$d', sha256('m'), 1 FROM j
                        """
                                .formatted(job, lease, step));
    }

    @Test
    void terminalJobsHaveWhatTheirStateSays() {
        UUID job = schema.queued(schema.mine());

        assertThat(
                        schema.scheduler()
                                .failure("UPDATE job SET state = 'FAILED', finished_at = now()"))
                .contains("error_iff_failed");
        assertThat(schema.scheduler().failure("UPDATE job SET state = 'CANCELLED'"))
                .contains("finished_iff_terminal");
        assertThat(schema.scheduler().failure("UPDATE job SET attempt = 99"))
                .contains("attempts_bounded");
        assertThat(schema.job(job, "state")).isEqualTo("QUEUED");
    }

    @Test
    void messagesOfAJobAreNumberedWithoutGaps() {
        UUID one = schema.submit(schema.mine(), 1);
        UUID two = schema.submit(schema.mine(), 1);
        for (UUID job : new UUID[] {one, one, two, one}) {
            schema.scheduler()
                    .update(
                            "INSERT INTO job_message (job_id, tenant_id, message) VALUES ('%s', '%s', 'x')"
                                    .formatted(job, schema.mine().value()));
        }

        assertThat(
                        schema.scheduler()
                                .one(
                                        "SELECT string_agg(seq::text, '' ORDER BY seq) FROM job_message"
                                                + " WHERE job_id = '%s'".formatted(one)))
                .isEqualTo("123");
    }
}
