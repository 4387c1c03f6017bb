package dev.tunesmith.bench.nano;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.JobKind;
import dev.tunesmith.contracts.job.Overflow;
import dev.tunesmith.contracts.job.Precision;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.Grader.StringCheck;
import dev.tunesmith.contracts.method.Grader.StringCheck.Operation;
import dev.tunesmith.contracts.method.KlEstimator;
import dev.tunesmith.contracts.method.MethodSettings.Ppo;
import dev.tunesmith.contracts.optim.Curve;
import dev.tunesmith.contracts.optim.OptimizerSpec;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.loop.Evaluation;
import dev.tunesmith.engine.loop.LoopObserver;
import dev.tunesmith.engine.loop.LoopState;
import dev.tunesmith.engine.loop.Outcome;
import dev.tunesmith.engine.loop.StepReport;
import dev.tunesmith.engine.loop.TrainingRun;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The bundled model learns a form of answer by being graded, on the example's rows.
class ReinforcementTest {

    private static final Path EXAMPLES = Path.of("..", "examples");

    @TempDir Path room;

    @Test
    void gradedAnswersBecomeBetter() throws IOException {
        Path rows = EXAMPLES.resolve("reinforcement");
        var sources =
                new TrainingRun.Sources(
                        ModelDirectory.open(EXAMPLES.resolve("nano").resolve("model")),
                        rows.resolve("train.jsonl"),
                        Optional.of(rows.resolve("validation.jsonl")));
        Scores scores = new Scores();
        try (TrainingRun run = TrainingRun.prepare(spec(), sources, room, 4L << 30)) {
            assertThat(run.loop(run.start(), scores).run()).isInstanceOf(Outcome.Finished.class);
        }
        assertThat(scores.measured.getFirst()).isLessThan(0.3);
        assertThat(scores.measured.getLast()).isGreaterThan(0.8);
    }

    private static ResolvedSpec spec() {
        StringCheck product =
                new StringCheck(
                        "{{sample.output_text}}", "{{item.reference_answer}}", Operation.LIKE);
        Ppo settings =
                new Ppo(
                        new Ppo.Rollout(16, 1, 1, 0),
                        new Ppo.Distance(KlEstimator.K1, 0.02, null, 10_000),
                        new Ppo.Credit(1, 0.95, false, 0, false),
                        new Ppo.Update(2, 1, 0.2, 0.2, 0.1, 0),
                        product);
        return new ResolvedSpec(
                1,
                JobKind.TRAIN,
                settings,
                "nano",
                new AdapterSpec.Lora(
                        8, 16, 0, List.of("all-linear"), false, AdapterSpec.Export.ADAPTER),
                new ResolvedSpec.Rows(64, false, Overflow.ERROR, false, 0, 16, 16),
                new ResolvedSpec.Steps(3, 18, 18, 1, 0, 0),
                new ResolvedSpec.Optimizer(
                        1e-3, 1, Curve.CONSTANT, 0, 1, 0, 1, OptimizerSpec.ADAMW),
                Precision.BF16,
                false,
                7,
                Map.of());
    }

    /// Keeps the scores of the most probable answers to the held-out questions.
    private static final class Scores implements LoopObserver {
        private final List<Double> measured = new ArrayList<>();

        @Override
        public Stop stopAsked() {
            return Stop.NO;
        }

        @Override
        public void stepped(StepReport report) {
            assertThat(report.metrics())
                    .containsKeys(
                            "objective/kl",
                            "objective/scores",
                            "objective/rlhf_reward",
                            "policy/clipfrac_avg",
                            "policy/approxkl_avg",
                            "loss/value_avg",
                            "val/ratio");
        }

        @Override
        public void evaluating(int step) {}

        @Override
        public void evaluated(Evaluation evaluation) {
            measured.add(evaluation.metrics().getOrDefault("objective/scores", 0.0));
        }

        @Override
        public void save(LoopState state) {}
    }
}
