package dev.tunesmith.trainer.attempt;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.event.ChildReport;
import dev.tunesmith.contracts.event.Control;
import dev.tunesmith.contracts.event.ExitCode;
import dev.tunesmith.contracts.event.Manifest;
import dev.tunesmith.contracts.event.StepMetrics;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.objects.DirectoryObjects;
import dev.tunesmith.trainer.attempt.RunningChild.Settings;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Processes that are killed at a step by chance: the run that goes on from the last checkpoint
/// tells the same losses and figures and ends in the same bytes as one that nobody touched.
/// `-Dcrash.seed` repeats a run.
class KilledRunTest {

    private static final long SEED = Long.getLong("crash.seed", System.nanoTime() & 0xffff);
    private static final Random CHANCE = new Random(SEED);

    private static final int STEPS = 90;
    private static final int SAVE_STEPS = 8;
    private static final int LATEST_KILL = 45;
    private static final int KILLED = 137;
    private static final long MANIFEST_MAX = 1 << 20;

    @TempDir Path folder;
    private DirectoryObjects objects;
    private TinyJob there;

    @BeforeEach
    void storeInputs() throws IOException {
        objects = new DirectoryObjects(folder.resolve("store"));
        there = TinyJob.store(objects, folder);
    }

    /// A loss of pairs, drawn answers with and without a head of values.
    static Stream<Arguments> some() {
        return Stream.of(
                Arguments.of(Method.DPO, true, killAt()),
                Arguments.of(Method.PPO, false, killAt()),
                Arguments.of(Method.GRPO, true, killAt()));
    }

    static Stream<Arguments> every() {
        return Arrays.stream(Method.values())
                .flatMap(method ->
                        Stream.of(false, true).map(whole -> Arguments.of(method, whole, killAt())));
    }

    private static int killAt() {
        return SAVE_STEPS + CHANCE.nextInt(LATEST_KILL - SAVE_STEPS);
    }

    @ParameterizedTest(name = "{0}, whole model: {1}, killed at step {2}")
    @MethodSource("some")
    void aKilledRunEndsAsIfNobodyHadTouchedIt(Method method, boolean whole, int killAt)
            throws Exception {
        requireSameEnd(method, whole, killAt);
    }

    @Tag("crash")
    @ParameterizedTest(name = "{0}, whole model: {1}, killed at step {2}")
    @MethodSource("every")
    void everyMethodSurvivesAKill(Method method, boolean whole, int killAt) throws Exception {
        requireSameEnd(method, whole, killAt);
    }

    private void requireSameEnd(Method method, boolean whole, int killAt) throws Exception {
        MethodJob job =
                MethodJob.store(objects, there, TinyJob.spec(STEPS, SAVE_STEPS), method, whole);
        Manifest straight = resultOf(job, 1, null);

        Control.Resume resume = killed(job, killAt);
        Manifest resumed = resultOf(job, 3, resume);

        assertThat(text(resumed, StepMetrics.LINES)).isEqualTo(text(straight, StepMetrics.LINES));
        assertThat(text(straight, StepMetrics.LINES).lines()).hasSize(STEPS + 1);
        assertThat(hashes(resumed)).isEqualTo(hashes(straight));
    }

    /// Kills a child once it has told of that step and of a checkpoint, and says where to go on.
    private Control.Resume killed(MethodJob job, int killAt) throws Exception {
        try (RunningChild child = start(job, 2, null)) {
            ChildReport.Stepped _ = child.await(ChildReport.Stepped.class, s -> s.step() >= killAt);
            ChildReport.Checkpoint _ = child.await(ChildReport.Checkpoint.class, _ -> true);
            child.kill();
            assertThat(child.exit()).isEqualTo(KILLED);
            ChildReport.Checkpoint last = child.last(ChildReport.Checkpoint.class);
            System.out.printf(
                    "%s, %s: killed at step %d, goes on from %d (-Dcrash.seed=%d)%n",
                    job.spec().method().wire(),
                    job.spec().adapter().kind().wire(),
                    child.last(ChildReport.Stepped.class).step(),
                    last.step(),
                    SEED);
            return new Control.Resume(last.step(), last.manifest());
        }
    }

    private Manifest resultOf(MethodJob job, int epoch, Control.@Nullable Resume resume)
            throws Exception {
        try (RunningChild child = start(job, epoch, resume)) {
            assertThat(child.exit()).isEqualTo(ExitCode.FINISHED);
            String key = child.last(ChildReport.Result.class).manifest().key();
            return Json.read(objects.get(key, MANIFEST_MAX), Manifest.class);
        }
    }

    private RunningChild start(MethodJob job, int epoch, Control.@Nullable Resume resume)
            throws IOException {
        return RunningChild.start(
                folder.resolve("work"),
                Settings.folder(folder.resolve("store")),
                job.start(epoch, resume));
    }

    private String text(Manifest manifest, String name) {
        return new String(
                objects.get(manifest.find(name).orElseThrow().key(), MANIFEST_MAX), UTF_8);
    }

    private static Map<String, String> hashes(Manifest manifest) {
        return manifest.objects().stream()
                .collect(Collectors.toMap(Manifest.Entry::name, Manifest.Entry::sha256));
    }
}
