package dev.tunesmith.bench.nano;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.fit.Recompute;
import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.JobKind;
import dev.tunesmith.contracts.job.Overflow;
import dev.tunesmith.contracts.job.Precision;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.Grader.StringCheck;
import dev.tunesmith.contracts.method.Grader.StringCheck.Operation;
import dev.tunesmith.contracts.method.GroupSettings;
import dev.tunesmith.contracts.method.KlEstimator;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.method.MethodSettings;
import dev.tunesmith.contracts.method.MethodSettings.Ppo;
import dev.tunesmith.contracts.method.Reference;
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
        requireBetter(ppo(), 18, "objective/scores");
    }

    @Test
    void comparedAnswersBecomeBetter() throws IOException {
        requireBetter(grouped(), 14, "reward");
    }

    private void requireBetter(MethodSettings settings, int steps, String score)
            throws IOException {
        Path rows = EXAMPLES.resolve("reinforcement");
        var sources =
                new TrainingRun.Sources(
                        ModelDirectory.open(EXAMPLES.resolve("nano").resolve("model")),
                        rows.resolve("train.jsonl"),
                        Optional.of(rows.resolve("validation.jsonl")));
        Scores scores = new Scores(score);
        try (TrainingRun run =
                TrainingRun.prepare(spec(settings, steps), sources, room, 4L << 30)) {
            assertThat(run.loop(run.start(), scores).run()).isInstanceOf(Outcome.Finished.class);
        }
        String curve = "drawn: %s, held out: %s".formatted(scores.drawn, scores.measured);
        assertThat(scores.measured.getFirst()).as(curve).isLessThan(0.3);
        assertThat(scores.measured.getLast()).as(curve).isGreaterThan(0.8);
        assertThat(scores.drawn.getFirst()).as(curve).isLessThan(0.3);
        assertThat(scores.drawn.getLast()).as(curve).isGreaterThan(0.8);
    }

    private static final StringCheck PRODUCT =
            new StringCheck("{{sample.output_text}}", "{{item.reference_answer}}", Operation.LIKE);

    private static Ppo ppo() {
        return new Ppo(
                new Ppo.Rollout(16, 1, 1, 0),
                new Ppo.Distance(KlEstimator.K1, 0.02, null, 10_000),
                new Ppo.Credit(1, 0.95, false, 0, false),
                new Ppo.Update(2, 1, 0.2, 0.2, 0.1, 0),
                PRODUCT,
                Reference.START);
    }

    private static GroupSettings grouped() {
        GroupSettings usual = GroupSettings.usual(Method.GRPO, PRODUCT);
        return new GroupSettings(
                Method.GRPO,
                4,
                new Ppo.Rollout(16, 1, 1, 0),
                usual.loss(),
                usual.rewarding(),
                new GroupSettings.Updates(2, 1),
                usual.exam(),
                PRODUCT,
                Reference.START);
    }

    private static ResolvedSpec spec(MethodSettings settings, int steps) {
        return new ResolvedSpec(
                1,
                JobKind.TRAIN,
                settings,
                "nano",
                new AdapterSpec.Lora(
                        8, 16, 0, List.of("all-linear"), false, AdapterSpec.Export.ADAPTER),
                new ResolvedSpec.Rows(64, false, Overflow.ERROR, false, 0, 16, 16),
                new ResolvedSpec.Steps(3, steps, steps, 1, 0, 0),
                new ResolvedSpec.Optimizer(
                        1e-3, 1, Curve.CONSTANT, 0, 1, 0, 1, OptimizerSpec.ADAMW),
                Precision.BF16,
                Recompute.NONE,
                7,
                Map.of());
    }

    /// Keeps the mean scores of the drawn answers of each step, and those of the most probable
    /// answers to the held-out questions.
    private static final class Scores implements LoopObserver {
        private final List<Double> measured = new ArrayList<>();
        private final List<Double> drawn = new ArrayList<>();
        private final String name;

        private Scores(String name) {
            this.name = name;
        }

        @Override
        public Stop stopAsked() {
            return Stop.NO;
        }

        @Override
        public void stepped(StepReport report) {
            String[] names =
                    name.equals("reward")
                            ? new String[] {
                                "reward",
                                "reward_std",
                                "frac_reward_zero_std",
                                "rewards/reward/mean",
                                "completions/mean_length",
                                "completions/clipped_ratio",
                                "clip_ratio/region_mean",
                                "entropy"
                            }
                            : new String[] {
                                "objective/kl",
                                "objective/scores",
                                "objective/rlhf_reward",
                                "policy/clipfrac_avg",
                                "policy/approxkl_avg",
                                "loss/value_avg",
                                "val/ratio"
                            };
            assertThat(report.metrics()).containsKeys(names);
            drawn.add(report.metrics().getOrDefault(name, 0.0));
        }

        @Override
        public void evaluating(int step) {}

        @Override
        public void evaluated(Evaluation evaluation) {
            measured.add(evaluation.metrics().getOrDefault(name, 0.0));
        }

        @Override
        public void save(LoopState state) {}
    }
}
