package dev.tunesmith.trainer.attempt;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.event.ChildReport;
import dev.tunesmith.contracts.event.ExitCode;
import dev.tunesmith.contracts.fit.Recompute;
import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.JobKind;
import dev.tunesmith.contracts.job.Origin;
import dev.tunesmith.contracts.job.Overflow;
import dev.tunesmith.contracts.job.Precision;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.optim.Curve;
import dev.tunesmith.contracts.optim.OptimizerSpec;
import dev.tunesmith.platform.objects.ObjectStore;
import dev.tunesmith.platform.objects.S3Objects;
import dev.tunesmith.standalone.ChildJvm;
import dev.tunesmith.standalone.S3Node;
import dev.tunesmith.trainer.attempt.RunningChild.Settings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What checkpoints cost: the same steps with and without them in turns, every weight in training,
/// the store a process of its own on the same machine. What counts is the processor time of both: a
/// training that uses all processors loses that much, and unlike the time on the wall it is hardly
/// changed by what else a machine does.
@Tag("longrun")
class CheckpointShareTest {

    private static final int ROUNDS = 3;
    private static final int STEPS = 240;

    /// Compiled, and with all its memory, from here on.
    private static final int WARM = 20;

    private static final String KEY = "tunesmith";
    private static final String SECRET = "cost-test-secret";
    private static final RunningChild.Limits LIMITS = new RunningChild.Limits("256m", 600, true);
    private static final double PROMISE = 0.05;

    @TempDir Path folder;
    private int runs;

    /// What a run took.
    ///
    /// @param wall seconds of all warm steps
    /// @param processor seconds of training and store together
    private record Timing(double wall, double processor, int checkpoints) {
        static double median(List<Timing> all, ToDoubleFunction<Timing> figure) {
            double[] sorted = all.stream().mapToDouble(figure).sorted().toArray();
            return sorted[sorted.length / 2];
        }
    }

    @Test
    void theIntervalThatNobodyAskedForKeepsTheCostBelowATwentieth() throws Exception {
        Path data = Files.createDirectories(folder.resolve("objects"));
        try (ChildJvm server = S3Node.start(data, 0, KEY, SECRET, folder.resolve("log"))) {
            String endpoint = "http://127.0.0.1:" + server.port();
            var settings = new Settings(endpoint, KEY, SECRET, Duration.ofMinutes(1));
            TinyJob job;
            try (S3Objects objects =
                    S3Objects.open(
                            new ObjectStore.Credentials(
                                    endpoint, S3Node.BUCKET, "us-east-1", KEY, SECRET))) {
                job =
                        TinyJob.store(
                                objects,
                                TinyJob.model(folder, List.of("What colour?"), 290, 3, 384),
                                TinyJob.rows());
            }
            List<Timing> never = new ArrayList<>();
            List<Timing> patient = new ArrayList<>();
            for (int round = 0; round < ROUNDS; round++) {
                never.add(timed(job, settings, server, spec(STEPS + 1, Origin.USER)));
                Origin open = Origin.derived("a tenth");
                patient.add(timed(job, settings, server, spec(STEPS / 10, open)));
            }
            double share = share(never, patient, Timing::processor);
            System.out.printf(
                    "checkpoints take %.1f %% of the processor time, %.1f %% of that on the wall%n%s%n%s%n",
                    100 * share, 100 * share(never, patient, Timing::wall), never, patient);
            assertThat(patient).allMatch(run -> run.checkpoints() > 0);
            assertThat(share).isLessThan(PROMISE);
        }
    }

    private static double share(
            List<Timing> without, List<Timing> with, ToDoubleFunction<Timing> figure) {
        return 1 - Timing.median(without, figure) / Timing.median(with, figure);
    }

    private Timing timed(TinyJob job, Settings settings, ChildJvm server, ResolvedSpec spec)
            throws Exception {
        int epoch = ++runs;
        double before = processor(server);
        Map<String, String> environment =
                Map.of(
                        "OMP_NUM_THREADS",
                        Integer.toString(Runtime.getRuntime().availableProcessors()),
                        "OMP_WAIT_POLICY",
                        "PASSIVE");
        Path work = folder.resolve("work" + epoch);
        try (RunningChild child =
                RunningChild.start(
                        work, settings, job.start(spec, epoch, null), environment, LIMITS)) {
            assertThat(child.exit()).isEqualTo(ExitCode.FINISHED);
            double millis =
                    child.all(ChildReport.Stepped.class).stream()
                            .filter(stepped -> stepped.step() > WARM)
                            .mapToDouble(ChildReport.Stepped::stepMillis)
                            .sum();
            return new Timing(
                    millis / 1000,
                    child.processorSeconds() + processor(server) - before,
                    child.all(ChildReport.Checkpoint.class).size());
        }
    }

    private static double processor(ChildJvm server) {
        return RunningChild.processorSeconds(ProcessHandle.of(server.pid()).orElseThrow());
    }

    private static ResolvedSpec spec(int saveSteps, Origin origin) {
        return new ResolvedSpec(
                1,
                JobKind.TRAIN,
                Method.SUPERVISED.defaults(),
                "tiny",
                new AdapterSpec.None(),
                new ResolvedSpec.Rows(96, false, Overflow.TRUNCATE, false, 0, 8, 8),
                new ResolvedSpec.Steps(1_000, STEPS, STEPS, 1, saveSteps, 0),
                new ResolvedSpec.Optimizer(
                        1e-4, 1, Curve.COSINE, 0.1, null, 0, 1, OptimizerSpec.ADAMW),
                Precision.BF16,
                Recompute.NONE,
                42,
                Map.of("save_steps", origin));
    }
}
