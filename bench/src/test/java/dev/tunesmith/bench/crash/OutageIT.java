package dev.tunesmith.bench.crash;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/// In the middle of a job the object store goes away, or the disk of the trainer is full: for a
/// while, and for longer than a job waits. A trainer here waits three seconds for the store instead
/// of ten minutes.
@Tag("crash")
class OutageIT {
    private static final Map<String, String> IMPATIENT =
            Map.of(
                    "TUNESMITH_TRAINER_STORAGE_PATIENCE",
                    "PT3S",
                    "TUNESMITH_SCHEDULER_BACKOFF",
                    "PT0.2S");
    private static final int EPOCHS = 5;

    /// So rare that nothing waits for the scheduler while the store dies.
    private static final int SAVE_STEPS = 60;

    private static final int DISK_MEBIBYTES = 64;

    @TempDir(cleanup = CleanupMode.ON_SUCCESS)
    static Path folder;

    private static Optional<SmallDisk> disk = Optional.empty();
    private static Crash crash;

    @BeforeAll
    static void open() throws IOException {
        Path data = folder.resolve("data");
        disk = SmallDisk.mount(data.resolve("trainer"), DISK_MEBIBYTES);
        crash = Crash.open(data, EPOCHS, IMPATIENT);
    }

    @AfterAll
    static void close() throws IOException {
        try {
            crash.close();
        } finally {
            if (disk.isPresent()) {
                disk.get().close();
            }
        }
    }

    @Test
    void aJobIsTriedAgainUntilTheStoreIsBack() {
        String job = crash.submitSaving(SAVE_STEPS);
        String _ = crash.awaitCheckpoint(job);
        try (Halt _ = Halt.without(crash.stack(), Victim.OBJECTS)) {
            crash.stack().await("the end of two attempts", () -> failedAttempts(job) >= 2);
        }
        crash.checkUnharmed(job);
        assertThat(crash.history(job)).contains("the store does not answer");
    }

    private static long failedAttempts(String job) {
        return Long.parseLong(
                crash.sql()
                        .one(
                                "SELECT count(*) FROM job_attempt WHERE job_id = ? AND ended_at IS NOT NULL",
                                PackagedStack.id(job)));
    }

    @Test
    void aJobWhoseStoreStaysAwayFailsAndKeepsItsCheckpoints() {
        String job = crash.submitSaving(SAVE_STEPS);
        String checkpoint = crash.awaitCheckpoint(job);
        JsonNode error;
        try (Halt _ = Halt.without(crash.stack(), Victim.OBJECTS)) {
            error = crash.awaitFailure(job);
        }
        assertThat(error.path("code").asText()).isEqualTo("storage_unavailable");
        assertThat(error.path("message").asText())
                .contains("the store does not answer")
                .contains("checkpoints are kept", "create the job again");
        checkUsable(job, checkpoint);
    }

    @Test
    void aFullDiskCostsCheckpointsAndNotTheJob() {
        SmallDisk small = smallDisk();
        String job = crash.submit();
        long full = crash.awaitStep(job, 15);
        small.fill();
        try {
            crash.awaitStep(job, full + 60);
        } finally {
            small.free();
        }
        crash.checkUnharmed(job);
        assertThat(
                        crash.sql()
                                .one(
                                        "SELECT count(*) FROM checkpoint WHERE job_id = ? AND step BETWEEN ? AND ?",
                                        PackagedStack.id(job),
                                        full + 15,
                                        full + 50))
                .as("checkpoints while the disk was full")
                .isEqualTo("0");
    }

    @Test
    void aJobWhoseDiskStaysFullFailsAndKeepsItsCheckpoints() {
        SmallDisk small = smallDisk();
        String job = crash.submitSaving(SAVE_STEPS);
        String checkpoint = crash.awaitCheckpoint(job);
        small.fill();
        JsonNode error;
        try {
            error = crash.awaitFailure(job);
        } finally {
            small.free();
        }
        assertThat(error.path("code").asText()).isEqualTo("storage_unavailable");
        assertThat(error.path("message").asText())
                .contains("local disk", "No space left on device")
                .contains("checkpoints are kept", "create the job again");
        checkUsable(job, checkpoint);
    }

    private static SmallDisk smallDisk() {
        assumeTrue(disk.isPresent(), "only root may mount a small disk for the trainer");
        return disk.get();
    }

    /// The checkpoint answers, and so does the trainer: the same job made again succeeds.
    private static void checkUsable(String job, String checkpoint) {
        crash.stack()
                .await(
                        checkpoint + " to answer",
                        () -> crash.api().tryChat(checkpoint, "Who are you?").isPresent());
        assertThat(crash.awaitCheckpoint(job)).isEqualTo(checkpoint);
        crash.checkUnharmed(crash.submit());
    }
}
