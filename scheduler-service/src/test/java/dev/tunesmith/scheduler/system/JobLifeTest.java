package dev.tunesmith.scheduler.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.job.JobState;
import dev.tunesmith.platform.objects.ObjectStore;
import dev.tunesmith.platform.objects.S3Objects;
import dev.tunesmith.scheduler.Scheduler;
import dev.tunesmith.scheduler.SchedulerTimes;
import dev.tunesmith.scheduler.TestDatabase;
import dev.tunesmith.scheduler.lease.LeaseTimes;
import dev.tunesmith.scheduler.lease.SilenceRules;
import dev.tunesmith.scheduler.sweep.SweepTimes;
import dev.tunesmith.standalone.S3Node;
import dev.tunesmith.standalone.TestStack;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Whole lives of jobs: a real database, a real broker, a real object store, the scheduler, and the
/// real parent of a trainer host. Only the training itself is a stand-in.
@Tag("servers")
class JobLifeTest {
    private static final SchedulerTimes TIMES =
            new SchedulerTimes(
                    new LeaseTimes(
                            Duration.ofSeconds(5),
                            Duration.ofSeconds(8),
                            Duration.ofMillis(200),
                            Duration.ofSeconds(2)),
                    SilenceRules.of(Duration.ofSeconds(5), Duration.ZERO, Duration.ofMinutes(30)),
                    Duration.ofMillis(500),
                    Duration.ofMillis(200),
                    Duration.ofSeconds(3),
                    Duration.ofSeconds(4),
                    Duration.ofSeconds(20),
                    new SweepTimes(Duration.ofHours(1), Duration.ofHours(24)));

    @TempDir static Path folder;

    private static TestDatabase db;
    private static JobLife life;
    private static S3Objects objects;
    private static Scheduler scheduler;
    private static TrainerProcess trainer;

    @BeforeAll
    static void open() throws IOException {
        TestStack stack = TestStack.shared();
        db = TestDatabase.create(10);
        life = new JobLife(db);
        objects =
                S3Objects.open(
                        new ObjectStore.Credentials(
                                stack.endpoint(),
                                S3Node.BUCKET,
                                "us-east-1",
                                TestStack.ACCESS_KEY,
                                stack.secret()));
        startScheduler();
        startTrainer();
    }

    private static void startScheduler() {
        scheduler =
                Scheduler.start(
                        db.scheduler(),
                        TestStack.shared().bootstrap(),
                        objects,
                        TIMES,
                        java.util.Optional.empty());
    }

    private static void startTrainer() throws IOException {
        trainer = TrainerProcess.start(folder.resolve("work"), folder.resolve("trainer.log"));
    }

    @AfterAll
    static void close() {
        trainer.close();
        scheduler.close();
        objects.close();
    }

    @Test
    void aJobGoesFromValidationToAModel() throws InterruptedException {
        JobId job = life.submit(StandInChild.QUICK);

        life.awaitState(job, JobState.SUCCEEDED, JobState.FAILED);

        assertThat(db.state(job)).as("%s", db.messages(job)).isEqualTo(JobState.SUCCEEDED);
        assertThat(db.column(job, "fine_tuned_model", String.class)).startsWith("ft:nano:acme::");
        assertThat(db.column(job, "trained_tokens", Long.class)).isEqualTo(1234);
        assertThat(life.rows("model_version", job)).isEqualTo(1);
        assertThat(life.rows("checkpoint", job)).isEqualTo(1);
        assertThat(life.rows("job_attempt", job)).isEqualTo(1);
        assertThat(db.messages(job))
                .contains(
                        "Files validated, moving job to queued state",
                        "Fine-tuning job started",
                        "Checkpoint created at step 3",
                        "The job has successfully completed");
        assertThat(db.value("SELECT gpu_used FROM tenant", Integer.class)).isZero();
    }

    @Test
    void aCancelStopsTheChild() throws InterruptedException {
        JobId job = life.submit(StandInChild.ENDLESS);
        life.awaitState(job, JobState.RUNNING, JobState.FAILED);

        db.desire(job, "CANCEL");
        life.awaitState(job, JobState.CANCELLED);

        JobLife.await("the child to end", () -> !trainer.hasChildren());
        assertThat(life.rows("checkpoint", job)).isZero();
    }

    @Test
    void aPausedJobResumesFromItsCheckpoint() throws InterruptedException {
        JobId job = life.submit(StandInChild.ENDLESS);
        life.awaitState(job, JobState.RUNNING, JobState.FAILED);

        db.desire(job, "PAUSE");
        life.awaitState(job, JobState.PAUSED);
        assertThat(life.rows("checkpoint", job)).isEqualTo(1);

        db.desire(job, "RUN");
        life.awaitState(job, JobState.SUCCEEDED, JobState.FAILED);

        assertThat(db.state(job)).isEqualTo(JobState.SUCCEEDED);
        assertThat(db.column(job, "infra_losses", Integer.class)).isZero();
    }

    @Test
    void aKilledChildIsProvenDeadAndItsJobGoesOn() throws InterruptedException {
        JobId job = life.submit(StandInChild.DIES);

        life.awaitState(job, JobState.SUCCEEDED, JobState.FAILED);

        assertThat(db.state(job)).as("%s", db.messages(job)).isEqualTo(JobState.SUCCEEDED);
        assertThat(db.column(job, "infra_losses", Integer.class)).isEqualTo(1);
        assertThat(life.rows("job_attempt", job)).isEqualTo(2);
        assertThat(life.rows("model_version", job)).isEqualTo(1);
    }

    @Test
    void aPoisonJobIsQuarantinedAfterThreeLosses() throws InterruptedException {
        JobId job = life.submit(StandInChild.POISON);

        life.awaitState(job, JobState.FAILED);

        assertThat(db.column(job, "error_code", String.class)).isEqualTo("poison");
        assertThat(life.rows("job_attempt", job)).isEqualTo(3);
    }

    @Test
    void aResultThatLiesIsRejectedAndTriedAgain() throws InterruptedException {
        JobId job = life.submit(StandInChild.LIES);

        life.awaitState(job, JobState.SUCCEEDED, JobState.FAILED);

        assertThat(db.state(job)).as("%s", db.messages(job)).isEqualTo(JobState.SUCCEEDED);
        assertThat(life.rows("job_attempt", job)).isEqualTo(2);
    }

    @Test
    void aUsersMistakeIsNotTriedAgain() throws InterruptedException {
        JobId job = life.submit(StandInChild.REFUSES);

        life.awaitState(job, JobState.FAILED);

        assertThat(life.rows("job_attempt", job)).isEqualTo(1);
        assertThat(db.column(job, "error_code", String.class)).isEqualTo("invalid_spec");
    }

    @Test
    void aKilledParentTakesItsChildAlongAndANewBootIsProof()
            throws InterruptedException, IOException {
        JobId job = life.submit(StandInChild.ENDLESS);
        life.awaitState(job, JobState.RUNNING, JobState.FAILED);

        trainer.kill();
        startTrainer();
        JobLife.await(
                "the job to be given back",
                () -> db.column(job, "infra_losses", Integer.class) == 1);

        db.desire(job, "CANCEL");
        life.awaitState(job, JobState.CANCELLED);
    }

    @Test
    void aDrainedHostHandsItsJobBackUnburned() throws InterruptedException, IOException {
        JobId job = life.submit(StandInChild.ENDLESS);
        life.awaitState(job, JobState.RUNNING, JobState.FAILED);

        assertThat(trainer.drain()).isZero();
        life.awaitState(job, JobState.RETRY_WAIT, JobState.QUEUED);
        assertThat(life.rows("checkpoint", job)).isEqualTo(1);
        startTrainer();
        life.awaitState(job, JobState.SUCCEEDED, JobState.FAILED);

        assertThat(db.state(job)).isEqualTo(JobState.SUCCEEDED);
        assertThat(db.column(job, "infra_losses", Integer.class)).isZero();
    }

    @Test
    void aSchedulerThatWasAwayReapsNobody() throws InterruptedException {
        JobId job = life.submit(StandInChild.ENDLESS);
        life.awaitState(job, JobState.RUNNING, JobState.FAILED);
        long epoch = db.column(job, "epoch", Long.class);

        scheduler.close();
        Thread.sleep(TIMES.leases().lease().multipliedBy(2));
        startScheduler();
        Thread.sleep(TIMES.leases().lease().multipliedBy(2));

        assertThat(db.state(job)).isEqualTo(JobState.RUNNING);
        assertThat(db.column(job, "epoch", Long.class)).isEqualTo(epoch);
        db.desire(job, "CANCEL");
        life.awaitState(job, JobState.CANCELLED);
    }

    /// T2: the host sleeps longer than its lease and wakes up as a zombie.
    @Test
    void aSilentHostIsReapedAndFencedWhenItWakes() throws InterruptedException, IOException {
        JobId job = life.submit(StandInChild.ENDLESS);
        life.awaitState(job, JobState.RUNNING, JobState.FAILED);

        trainer.freeze();
        JobLife.await(
                "the job to be given back",
                () -> db.column(job, "infra_losses", Integer.class) == 1);
        db.desire(job, "CANCEL");
        life.awaitState(job, JobState.CANCELLED);
        trainer.thaw();

        JobLife.await("the zombie's child to end", () -> !trainer.hasChildren());
        assertThat(life.rows("checkpoint", job)).isZero();
    }
}
