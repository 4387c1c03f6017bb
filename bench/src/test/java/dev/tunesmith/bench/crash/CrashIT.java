package dev.tunesmith.bench.crash;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/// Every process of the platform is killed in the middle of a job, again and again, at random steps
/// of one stack that is never set up anew. `-Dcrash.seed` repeats a run, `-Dcrash.kills` says how
/// often each kind dies alone, `-Dcrash.storm` how many die one after another in the storm.
@Tag("crash")
class CrashIT {
    private static final List<Victim> ALL = List.of(Victim.values());
    private static final int EPOCHS = 5;
    private static final int KILLS = Integer.getInteger("crash.kills", 3);
    private static final int STORM = Integer.getInteger("crash.storm", 20);
    private static final long SEED = Long.getLong("crash.seed", System.nanoTime() & 0xffff);

    /// The run has 240 steps; a kill after the last one would hit nothing.
    private static final int LATEST = 200;

    @TempDir(cleanup = CleanupMode.ON_SUCCESS)
    static Path folder;

    private static final Map<Victim, Integer> SURVIVED = new EnumMap<>(Victim.class);
    private static Crash crash;

    @BeforeAll
    static void open() {
        System.out.println("crash.seed=" + SEED);
        crash = Crash.open(folder.resolve("data"), EPOCHS);
    }

    @AfterAll
    static void close() {
        System.out.println("kills survived: " + SURVIVED);
        crash.close();
    }

    @TestFactory
    Stream<DynamicTest> aJobSurvivesTheDeathOf() {
        return ALL.stream()
                .flatMap(victim ->
                        IntStream.range(0, KILLS)
                                .mapToObj(n ->
                                        DynamicTest.dynamicTest(
                                                victim + " " + n, () -> surviveOne(victim, n))));
    }

    private static void surviveOne(Victim victim, int n) {
        Random random = new Random(SEED * 1_000 + victim.name().hashCode() * 100L + n);
        String job = crash.submit();
        try (Crash.Clerk _ = crash.clerk()) {
            crash.awaitStep(job, 1 + random.nextInt(LATEST));
            PackagedStack.pause(random.nextInt(200));
            kill(victim);
            byte[] _ = crash.finish(job);
        }
        crash.checkUnharmed(job);
        if (victim == Victim.INFERENCE) {
            crash.stack()
                    .await(
                            "an answer",
                            () -> crash.api().tryChat("nano", "Who are you?").isPresent());
        }
    }

    /// An orderly stop hands the running job back; the next start goes on with it.
    @Test
    void aJobSurvivesDownAndUp() {
        String job = crash.submit();
        crash.awaitStep(job, 15);
        PackagedStack stack = crash.stack();
        PackagedStack.Answer down = stack.command("down");
        assertThat(down.code()).as(down.text()).isZero();
        assertThat(stack.command("status").code()).isEqualTo(1);
        assertThat(stack.command("down").text()).contains("No stack is running");

        stack.up();
        crash.checkUnharmed(job);
        assertThat(
                        crash.sql()
                                .one(
                                        "SELECT infra_losses FROM job WHERE job_id = ?",
                                        PackagedStack.id(job)))
                .isEqualTo("0");
    }

    /// S3 and T1 together: the process dies, and the checkpoint that it left is not what it wrote.
    @Test
    void aDamagedCheckpointIsNotUsed() {
        String job = crash.submit();
        crash.awaitStep(job, 45);
        // While its parent is away nobody can read the checkpoint before it is damaged.
        kill(Victim.TRAINER);
        long step = crash.damageNewestCheckpoint(job);
        crash.checkUnharmed(job);
        assertThat(crash.history(job)).contains("Checkpoint of step " + step + " is damaged");
    }

    /// Several jobs at once, and anything may die at any moment, also while it starts again.
    @Test
    void jobsSurviveAStorm() {
        Random random = new Random(SEED);
        List<String> jobs = new ArrayList<>();
        try (Crash.Clerk _ = crash.clerk()) {
            for (int i = 0; i < STORM; i++) {
                if (i % 5 == 0) {
                    jobs.add(crash.submit());
                }
                PackagedStack.pause(random.nextInt(6_000));
                Victim victim = ALL.get(random.nextInt(ALL.size()));
                kill(crash.isNearQuarantine() ? Victim.API : victim);
            }
            for (String job : jobs) {
                byte[] _ = crash.finish(job);
            }
        }
        jobs.forEach(crash::checkUnharmed);
    }

    private static void kill(Victim victim) {
        if (victim.kill(crash.stack())) {
            SURVIVED.merge(victim, 1, Integer::sum);
        }
    }
}
