package dev.tunesmith.bench.method;

import dev.tunesmith.bench.golden.CaseRunner;
import dev.tunesmith.bench.golden.Comparison;
import dev.tunesmith.bench.golden.GoldenCase;
import dev.tunesmith.bench.golden.GoldenTensors;
import dev.tunesmith.bench.golden.Tolerance;
import dev.tunesmith.contracts.method.Grader;
import dev.tunesmith.contracts.method.KlEstimator;
import dev.tunesmith.contracts.method.MethodSettings.Ppo;
import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.model.ScoreHead;
import dev.tunesmith.engine.nn.Head;
import dev.tunesmith.engine.nn.Parameter;
import dev.tunesmith.engine.objective.Credit;
import dev.tunesmith.engine.objective.Experience;
import dev.tunesmith.engine.objective.KlControl;
import dev.tunesmith.engine.objective.LossSum;
import dev.tunesmith.engine.objective.PpoUpdate;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/// One update of PPO with everything on the way.
public final class PpoCases implements CaseRunner {

    /// The library behind the cases writes this id at the end of an answer.
    private static final int END = 2;

    /// How far the value head of the update is from that of the rollout.
    private static final double HEAD_MOVED = 0.05;

    @Override
    public void run(GoldenCase golden, Comparison comparison) {
        compareControl(golden, comparison);
        try (MethodRun run = new MethodRun(golden, golden)) {
            new Run(golden, run, comparison).run();
        }
    }

    private static void compareControl(GoldenCase golden, Comparison comparison) {
        if (!(golden.find("kl_controller") instanceof Map<?, ?>)) {
            return;
        }
        KlControl control =
                new KlControl(
                        new Ppo.Distance(
                                KlEstimator.K1,
                                golden.number("kl_controller.init", 0),
                                golden.number("kl_controller.target", 0),
                                golden.number("kl_controller.horizon", 0)));
        List<?> expected = golden.list("kl_controller.coefficient_after");
        List<?> observations = golden.list("kl_controller.observations");
        for (int i = 0; i < observations.size(); i++) {
            List<?> seen = (List<?>) observations.get(i);
            control.observe(
                    ((Number) seen.get(0)).doubleValue(), ((Number) seen.get(1)).intValue());
            comparison.number(
                    "coefficient " + i,
                    control.coefficient(),
                    ((Number) expected.get(i)).doubleValue(),
                    new Tolerance(0, 1e-9, 0));
        }
    }

    /// One case.
    private static final class Run {
        private final GoldenCase golden;
        private final MethodRun run;
        private final Comparison comparison;
        private final GoldenTensors inputs;
        private final GoldenTensors expected;
        private final int width;
        private final List<Sample> documents = new ArrayList<>();
        private final List<Integer> lengths = new ArrayList<>();
        private final List<Boolean> ended = new ArrayList<>();

        Run(GoldenCase golden, MethodRun run, Comparison comparison) {
            this.golden = golden;
            this.run = run;
            this.comparison = comparison;
            this.inputs = golden.tensors("inputs.safetensors").orElseThrow();
            this.expected = golden.tensors("tensors.safetensors").orElseThrow();
            this.width = (int) inputs.shape("response_ids")[1];
            readRows();
        }

        private void readRows() {
            int[] prompts = inputs.integers("prompt_ids");
            int[] promptMask = inputs.integers("prompt_mask");
            int[] answers = inputs.integers("response_ids");
            int[] answerMask = inputs.integers("response_mask");
            int rows = (int) inputs.shape("response_ids")[0];
            int promptWidth = prompts.length / rows;
            for (int row = 0; row < rows; row++) {
                List<Integer> ids = new ArrayList<>();
                for (int t = 0; t < promptWidth; t++) {
                    if (promptMask[row * promptWidth + t] != 0) {
                        ids.add(prompts[row * promptWidth + t]);
                    }
                }
                int prompt = ids.size();
                boolean end = false;
                for (int t = 0; t < width; t++) {
                    if (answerMask[row * width + t] != 0) {
                        ids.add(answers[row * width + t]);
                        end |= answers[row * width + t] == END;
                    }
                }
                float[] weights = new float[ids.size()];
                Arrays.fill(weights, prompt, weights.length, 1);
                documents.add(
                        new Sample(ids.stream().mapToInt(Integer::intValue).toArray(), weights));
                lengths.add(ids.size() - prompt);
                ended.add(end);
            }
        }

        void run() {
            ScoreHead drawing = head(0);
            double temperature = golden.number("parameters.temperature", 1);
            List<double[]> old = logProbs(run.frozen("old"), temperature);
            List<double[]> reference = logProbs(run.frozen("reference"), temperature);
            List<double[]> values = values(run.frozen("old"), drawing);
            compare("old_log_probs", old, "log_probs");
            compare("ref_log_probs", reference, "log_probs");
            compare("old_values", values, "intermediates");
            List<Credit.Answer> answers = answers(old, reference, values);
            List<Credit.Assigned> assigned = credit(answers);
            update(old, values, assigned, temperature);
        }

        private List<Credit.Answer> answers(
                List<double[]> old, List<double[]> reference, List<double[]> values) {
            float[] scores = inputs.floats("raw_scores").orElseThrow().clone();
            Ppo.Credit settings = settings();
            List<Credit.Answer> answers = new ArrayList<>();
            for (int row = 0; row < documents.size(); row++) {
                scores[row] = (float) Credit.scored(settings, scores[row], ended.get(row));
                answers.add(
                        new Credit.Answer(
                                old.get(row), reference.get(row), values.get(row), scores[row]));
            }
            comparison.golden(
                    "scores", scores, expected, "scores", golden.tolerance("intermediates"));
            for (KlEstimator estimator : KlEstimator.values()) {
                compare(
                        "kl_" + estimator.wire(),
                        answers.stream().map(answer -> answer.distances(estimator)).toList(),
                        "intermediates");
            }
            return answers;
        }

        private Ppo.Credit settings() {
            Ppo.Credit usual = Ppo.usual(Grader.StringCheck.ANSWER_IS_REFERENCE).credit();
            return new Ppo.Credit(
                    golden.number("parameters.gamma", usual.gamma()),
                    golden.number("parameters.lam", usual.lambda()),
                    Boolean.TRUE.equals(golden.find("parameters.whiten_rewards")),
                    golden.number("parameters.missing_eos_penalty", 0),
                    false);
        }

        private List<Credit.Assigned> credit(List<Credit.Answer> answers) {
            KlEstimator estimator = KlEstimator.of(golden.text("parameters.kl", "k1"));
            double price = golden.number("parameters.kl_coef", 0.05);
            List<Credit.Assigned> assigned = Credit.of(answers, settings(), estimator, price);
            compare("rewards_raw", assigned, Credit.Assigned::plainRewards);
            compare("rewards", assigned, Credit.Assigned::rewards);
            compare("advantages_raw", assigned, Credit.Assigned::rawAdvantages);
            compare("returns", assigned, Credit.Assigned::returns);
            compare("advantages", assigned, Credit.Assigned::advantages);
            double distance = 0;
            for (Credit.Answer answer : answers) {
                distance += Arrays.stream(answer.distances(estimator)).sum() / answers.size();
            }
            double score = answers.stream().mapToDouble(Credit.Answer::score).average().orElse(0);
            scalar("objective/kl", distance);
            scalar("objective/non_score_reward", -price * distance);
            scalar("objective/rlhf_reward", score - price * distance);
            scalar("objective/scores", score);
            return assigned;
        }

        private void update(
                List<double[]> old,
                List<double[]> values,
                List<Credit.Assigned> assigned,
                double temperature) {
            List<Experience> experiences = new ArrayList<>();
            for (int row = 0; row < documents.size(); row++) {
                experiences.add(
                        new Experience(
                                documents.get(row),
                                old.get(row),
                                values.get(row),
                                assigned.get(row).advantages(),
                                assigned.get(row).returns()));
            }
            ScoreHead head = head(HEAD_MOVED);
            head.parameters().forEach(parameter -> parameter.train(run.region()));
            Ppo.Update usual = Ppo.usual(Grader.StringCheck.ANSWER_IS_REFERENCE).update();
            Ppo.Update settings =
                    new Ppo.Update(
                            1,
                            1,
                            golden.number("parameters.clip", usual.clip()),
                            golden.number("parameters.value_clip", usual.valueClip()),
                            golden.number("parameters.vf_coef", usual.valueCoefficient()),
                            golden.number("parameters.entropy_coef", 0));
            PpoUpdate update = new PpoUpdate(run.policy(), head, settings, temperature);
            LossSum sum;
            try (Region step = run.arena().open("golden update")) {
                Tape tape = Tape.recording(run.arena(), step, 0);
                sum = update.loss(tape, experiences, PpoUpdate.Totals.of(experiences));
                tape.backward();
            }
            compare("new_log_probs", logProbs(run.policy().model(), temperature), "log_probs");
            compare("new_values", values(run.policy().model(), head), "intermediates");
            compareSums(sum);
            compareHead(head);
            run.compareGradients(comparison);
        }

        private void compareSums(LossSum sum) {
            comparison.number(
                    "loss", sum.mean(), golden.number("loss", 0), golden.tolerance("loss"));
            Map<String, Double> metrics = sum.metrics().values();
            scalar("policy_loss", metrics.getOrDefault("loss/policy_avg", Double.NaN));
            scalar("value_loss", metrics.getOrDefault("loss/value_avg", Double.NaN));
            scalar("entropy", metrics.getOrDefault("policy/entropy_avg", Double.NaN));
            scalar("clip_fraction", metrics.getOrDefault("policy/clipfrac_avg", Double.NaN));
            scalar("value_clip_fraction", metrics.getOrDefault("val/clipfrac_avg", Double.NaN));
            scalar("approx_kl", metrics.getOrDefault("policy/approxkl_avg", Double.NaN));
            scalar("mean_ratio", metrics.getOrDefault("val/ratio", Double.NaN));
        }

        private void compareHead(ScoreHead head) {
            for (Parameter parameter : head.parameters()) {
                String name = parameter.name().endsWith("bias") ? "bias" : "weight";
                comparison.golden(
                        "gradient of value_head." + name,
                        parameter.gradient().toFloats(),
                        expected,
                        "grad/value_head." + name,
                        golden.tolerance("gradients"));
            }
        }

        private void scalar(String name, double value) {
            if (golden.find("scalars") instanceof Map<?, ?> scalars
                    && scalars.get(name) instanceof Number number) {
                comparison.number(name, value, number.doubleValue(), new Tolerance(2e-5, 2e-5, 0));
            }
        }

        private ScoreHead head(double moved) {
            float[] weights = inputs.floats("value_head.weight").orElseThrow().clone();
            for (int i = 0; i < weights.length; i++) {
                weights[i] += (float) (moved * Math.signum(weights[i]));
            }
            return ScoreHead.of(
                    weights, inputs.floats("value_head.bias").orElseThrow()[0], run.region());
        }

        private List<double[]> logProbs(Decoder model, double temperature) {
            Head.Scores scores = run.scores(model, MethodRows.end(documents), temperature);
            List<double[]> rows = new ArrayList<>();
            int at = 0;
            for (int length : lengths) {
                rows.add(MethodRun.wide(Arrays.copyOfRange(scores.logProbs_M(), at, at + length)));
                at += length;
            }
            return rows;
        }

        /// In the one variant the state behind the last token counts too, where there is room.
        private List<double[]> values(Decoder model, ScoreHead head) {
            boolean behind = golden.text("parameters.variant", "").equals("after_eos");
            TokenBatch batch = MethodRows.end(documents);
            List<double[]> rows = new ArrayList<>();
            try (Region step = run.arena().open("golden values")) {
                Tape silent = Tape.silent(run.arena(), step);
                Tensor hidden_ND = model.forward(silent, batch, CheckpointPolicy.keepAll());
                for (int row = 0; row < documents.size(); row++) {
                    int length = lengths.get(row);
                    int[] states = new int[length + (behind && length < width ? 1 : 0)];
                    int first = batch.cuSeqlens_D1()[row + 1] - length - 1;
                    Arrays.setAll(states, t -> first + t);
                    rows.add(head.values(silent, hidden_ND, states));
                }
            }
            return rows;
        }

        private void compare(
                String name,
                List<Credit.Assigned> assigned,
                java.util.function.Function<Credit.Assigned, double[]> column) {
            compare(name, assigned.stream().map(column).toList(), "intermediates");
        }

        private void compare(String name, List<double[]> rows, String tolerance) {
            float[] table = new float[rows.size() * width];
            for (int row = 0; row < rows.size(); row++) {
                for (int t = 0; t < rows.get(row).length; t++) {
                    table[row * width + t] = (float) rows.get(row)[t];
                }
            }
            comparison.golden(name, table, expected, name, golden.tolerance(tolerance));
        }
    }
}
