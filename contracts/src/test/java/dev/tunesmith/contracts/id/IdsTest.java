package dev.tunesmith.contracts.id;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.contracts.TestingJson;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.Test;

final class IdsTest {
    private static final UUID VALUE = UUID.fromString("0190abcd-0123-7456-89ab-cdef01234567");

    @Test
    void writesPrefixAndDigits() {
        assertThat(new JobId(VALUE)).hasToString("ftjob-0190abcd0123745689abcdef01234567");
        assertThat(new FileId(VALUE).wire()).startsWith("file-");
        assertThat(new TenantId(VALUE).wire()).startsWith("proj_");
        assertThat(new OrganizationId(VALUE).wire()).startsWith("org-");
        assertThat(new UserId(VALUE).wire()).startsWith("user-");
        assertThat(new ModelId(VALUE).wire()).startsWith("model_");
        assertThat(new TaskId(VALUE).wire()).startsWith("task_");
    }

    @Test
    void readsWireFormAndPlainUuid() {
        assertThat(JobId.parse(new JobId(VALUE).wire()).value()).isEqualTo(VALUE);
        assertThat(JobId.parse(VALUE.toString()).value()).isEqualTo(VALUE);
    }

    @Test
    void doesNotReadAnotherKindOrABrokenId() {
        assertThat(JobId.find("file-0190abcd0123745689abcdef01234567")).isEmpty();
        assertThat(JobId.find("ftjob-0190abcd0123745689abcdef0123456")).isEmpty();
        assertThat(JobId.find("ftjob-0190ABCD0123745689abcdef01234567")).isEmpty();
        assertThat(JobId.find("ftjob-0190abcd0123745689abcdef01234567x")).isEmpty();
        assertThatThrownBy(() -> JobId.parse("nonsense"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("ftjob-")
                .hasMessageContaining("nonsense");
    }

    @Test
    void isAStringInJson() throws Exception {
        String json = TestingJson.MAPPER.writeValueAsString(new JobId(VALUE));
        assertThat(json).isEqualTo("\"ftjob-0190abcd0123745689abcdef01234567\"");
        assertThat(TestingJson.MAPPER.readValue(json, JobId.class)).isEqualTo(new JobId(VALUE));
    }

    @Test
    void makesVersion7InTheOrderOfTime() {
        Instant first = Instant.parse("2026-01-01T00:00:00Z");
        UUID early = new Ids(Clock.fixed(first, ZoneOffset.UTC), new Random(1)).next();
        UUID late = new Ids(Clock.fixed(first.plusMillis(1), ZoneOffset.UTC), new Random(2)).next();
        assertThat(early.version()).isEqualTo(7);
        assertThat(early.variant()).isEqualTo(2);
        assertThat(early.toString()).isLessThan(late.toString());
        assertThat(early.getMostSignificantBits() >>> 16).isEqualTo(first.toEpochMilli());
    }

    @Test
    void makesDifferentIdsInOneMillisecond() {
        var ids = new Ids(Clock.fixed(Instant.EPOCH, ZoneOffset.UTC), new Random(1));
        assertThat(ids.nextJob()).isNotEqualTo(ids.nextJob());
    }

    @Test
    void anAttemptHasAPositiveEpoch() {
        assertThatThrownBy(() -> new Attempt(new JobId(VALUE), 0, VALUE))
                .hasMessageContaining("starts at 1");
        assertThat(new Attempt(new JobId(VALUE), 3, VALUE).suffix()).isEqualTo("3-" + VALUE);
    }
}
