package dev.tunesmith.scheduler.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.job.JobState;
import dev.tunesmith.scheduler.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The packaged scheduler is killed while a job is under way; the job does not notice.
@Tag("servers")
class SchedulerKillIT {
    private static final int KILLS = 5;

    @TempDir static Path folder;

    private static TestDatabase db;
    private static JobLife life;
    private static TrainerProcess trainer;
    private static SchedulerProcess scheduler;

    @BeforeAll
    static void open() throws IOException {
        db = TestDatabase.create(10);
        life = new JobLife(db);
        start();
        trainer = TrainerProcess.start(folder.resolve("work"), folder.resolve("trainer.log"));
    }

    private static void start() throws IOException {
        scheduler = SchedulerProcess.start(db, folder.resolve("scheduler.log"));
    }

    @AfterAll
    static void close() {
        trainer.close();
        scheduler.close();
    }

    @Test
    void aJobSurvivesASchedulerThatIsKilledAgainAndAgain()
            throws InterruptedException, IOException {
        Random random = new Random(7);
        JobId job = life.submit(StandInChild.QUICK);
        for (int i = 0; i < KILLS; i++) {
            Thread.sleep(random.nextInt(1_500));
            scheduler.kill();
            start();
        }

        life.awaitState(job, JobState.SUCCEEDED, JobState.FAILED);

        assertThat(db.state(job)).as("%s", db.messages(job)).isEqualTo(JobState.SUCCEEDED);
        assertThat(life.rows("model_version", job)).isEqualTo(1);
        assertThat(db.column(job, "infra_losses", Integer.class)).isZero();
        assertThat(db.value("SELECT gpu_used FROM tenant", Integer.class)).isZero();
        assertThat(
                        db.value(
                                "SELECT count(*) = max(seq) FROM job_event WHERE job_id = '"
                                        + job.value()
                                        + "'",
                                Boolean.class))
                .isTrue();
    }

    @Test
    void aSchedulerStopsInOrderOnSigterm() throws InterruptedException, IOException {
        assertThat(scheduler.stop()).isZero();
        assertThat(Files.readString(folder.resolve("scheduler.log"))).doesNotContain("Exception");
        start();
    }
}
