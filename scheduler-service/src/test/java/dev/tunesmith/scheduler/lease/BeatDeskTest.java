package dev.tunesmith.scheduler.lease;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.event.Control;
import dev.tunesmith.contracts.event.Control.Desired;
import dev.tunesmith.contracts.id.Attempt;
import dev.tunesmith.contracts.job.JobState;
import dev.tunesmith.scheduler.TestDatabase;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("servers")
class BeatDeskTest {
    private static TestDatabase db;

    private final List<Control.BeatAck> answers = new ArrayList<>();
    private BeatDesk desk;

    @BeforeAll
    static void open() {
        db = TestDatabase.create(1000);
    }

    @BeforeEach
    void desk() {
        desk =
                new BeatDesk(
                        db.scheduler(),
                        LeaseTimes.DEFAULT,
                        answer -> answers.add((Control.BeatAck) answer));
    }

    private static String random() {
        return UUID.randomUUID().toString();
    }

    @Test
    void saysWhatIsWantedOfEachAttemptAndWhichAreLost() {
        String boot = random();
        Attempt running = db.running("ha/" + boot);
        Attempt cancelling = db.running("ha/" + boot);
        db.desire(cancelling.job(), "CANCEL");
        db.update("UPDATE job SET state = 'CANCELLING' WHERE job_id = :job", cancelling.job());
        Attempt lost = new Attempt(running.job(), 99, UUID.randomUUID());

        desk.handle(TestDatabase.beat("ha", boot, 1, running, cancelling, lost));

        Control.BeatAck answer = answers.getFirst();
        assertThat(answer.attempts())
                .containsExactlyInAnyOrder(
                        new Control.Wanted(running, Desired.RUN, null),
                        new Control.Wanted(cancelling, Desired.CANCEL, null));
        assertThat(answer.fenced()).containsExactly(lost);
    }

    @Test
    void aNewBootEndsTheAttemptsOfTheOldOneAtOnce() {
        String first = random();
        Attempt attempt = db.running("hb/" + first);
        desk.handle(TestDatabase.beat("hb", first, 1, attempt));

        desk.handle(TestDatabase.beat("hb", random(), 1));

        assertThat(db.state(attempt.job())).isEqualTo(JobState.RETRY_WAIT);
    }

    /// A broker may deliver an old beat again, long after the host came back.
    @Test
    void aLateBeatOfAnOldBootProvesNothing() {
        String first = random();
        String second = random();
        desk.handle(TestDatabase.beat("hc", first, 1));
        desk.handle(TestDatabase.beat("hc", second, 1));
        Attempt attempt = db.running("hc/" + second);

        desk.handle(TestDatabase.beat("hc", first, 2));

        assertThat(db.state(attempt.job())).isEqualTo(JobState.RUNNING);
    }

    /// K8: a scheduler that has just started has not heard anybody yet.
    @Test
    void aFreshReaperLeavesExpiredLeasesAlone() {
        Attempt attempt = db.running("hd/" + random());
        db.expire(attempt.job());
        Reaper reaper =
                new Reaper(
                        db.scheduler(),
                        LeaseTimes.DEFAULT,
                        SilenceRules.of(
                                Duration.ofSeconds(60), Duration.ZERO, Duration.ofMinutes(30)),
                        Duration.ofSeconds(5),
                        Clock.systemUTC(),
                        () -> Optional.of(Instant.now()));

        reaper.run();

        assertThat(db.state(attempt.job())).isEqualTo(JobState.RUNNING);
        db.update(
                "UPDATE job SET lease_expires_at = now() + interval '1 h' WHERE job_id = :job",
                attempt.job());
    }
}
