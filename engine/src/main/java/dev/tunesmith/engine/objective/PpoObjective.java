package dev.tunesmith.engine.objective;

import dev.tunesmith.contracts.method.MethodSettings.Ppo;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.nn.Head;
import dev.tunesmith.engine.objective.rollout.Actor;
import dev.tunesmith.engine.objective.rollout.Actor.Graded;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.engine.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// PPO: draws answers to the prompts of a step, scores and credits them, and updates on them as
/// often as the settings say; the loop offers the same prompts for each of these updates.
///
/// The answers' log-probabilities are those of a training forward pass, so that the first update
/// starts at ratio 1. What later updates need of the rollout travels in the checkpoint.
public final class PpoObjective implements Objective {

    private final Ppo settings;
    private final Actor actor;
    private final PpoUpdate update;
    private final Decoder reference;
    private final RolloutMemory memory;

    /// @param reference the policy before training
    public PpoObjective(Ppo settings, PpoUpdate update, Decoder reference, Actor actor) {
        this.settings = settings;
        this.update = update;
        this.reference = reference;
        this.actor = actor;
        this.memory = new RolloutMemory(settings.distance());
    }

    @Override
    public Step begin(StepArena arena, List<TokenBatch> parts, Occasion occasion) {
        if (!occasion.training()) {
            return Step.of(parts, (_, part) -> evaluate(arena, parts.get(part)));
        }
        if (occasion.use() == 0) {
            double temperature = settings.rollout().temperature();
            List<Graded> all = actor.answers(arena, parts, occasion.step(), temperature, 1);
            List<List<Graded>> drawn = new ArrayList<>();
            int at = 0;
            for (TokenBatch part : parts) {
                drawn.add(all.subList(at, at + part.documents()));
                at += part.documents();
            }
            memory.keep(credited(arena, drawn), figures(drawn));
        }
        return new Update(occasion.use());
    }

    /// What the model answers at its most probable, without the prices of training.
    private LossSum evaluate(StepArena arena, TokenBatch prompts) {
        Metrics.Builder metrics = new Metrics.Builder();
        long tokens = 0;
        double score = 0;
        List<Graded> answers = actor.answers(arena, List.of(prompts), 0, 0, 1);
        for (Graded answer : answers) {
            score += answer.score();
            tokens += answer.length();
            metrics.mean("objective/scores", answer.score())
                    .mean("val/num_eos_tokens", answer.ended() ? 1 : 0)
                    .mean("completions/mean_length", answer.length());
        }
        return new LossSum(-score, answers.size(), tokens, 0, 0, metrics.build());
    }

    /// Answers of all parts with their log-probabilities, values, advantages and returns.
    private List<List<Experience>> credited(StepArena arena, List<List<Graded>> parts) {
        List<Credit.Answer> answers = new ArrayList<>();
        memory.saw(parts.stream().flatMap(List::stream).mapToDouble(Graded::score).toArray());
        for (List<Graded> part : parts) {
            answers.addAll(valued(arena, part));
        }
        List<Credit.Assigned> assigned =
                Credit.of(
                        answers,
                        settings.credit(),
                        settings.distance().estimator(),
                        memory.control().coefficient());
        List<List<Experience>> experiences = new ArrayList<>();
        int at = 0;
        for (List<Graded> part : parts) {
            List<Experience> ofPart = new ArrayList<>();
            for (Graded answer : part) {
                ofPart.add(
                        new Experience(
                                answer.document(),
                                answers.get(at).logProbs(),
                                answers.get(at).values(),
                                assigned.get(at).advantages(),
                                assigned.get(at).returns()));
                at++;
            }
            experiences.add(ofPart);
        }
        observe(answers);
        return experiences;
    }

    private List<Credit.Answer> valued(StepArena arena, List<Graded> part) {
        TokenBatch batch = PpoUpdate.documents(part.stream().map(Graded::document).toList());
        double temperature = settings.rollout().temperature();
        Head.Scores compared = ScoredBatch.measure(reference, arena, batch, temperature);
        List<Credit.Answer> answers = new ArrayList<>();
        try (Region region = arena.open("values of answers")) {
            Tape silent = Tape.silent(arena, region);
            Policy keeping = new Policy(update.policy().model(), CheckpointPolicy.keepAll());
            ScoredBatch scored = ScoredBatch.of(keeping, silent, batch, temperature);
            int m = 0;
            for (int d = 0; d < part.size(); d++) {
                int length = part.get(d).length();
                int first = batch.cuSeqlens_D1()[d + 1] - length - 1;
                int[] states = new int[length];
                Arrays.setAll(states, t -> first + t);
                answers.add(
                        new Credit.Answer(
                                range(scored.scores().logProbs_M(), m, length),
                                range(compared.logProbs_M(), m, length),
                                values(silent, scored.hidden_ND(), states),
                                score(part.get(d))));
                m += length;
            }
        }
        return answers;
    }

    private double[] values(Tape silent, Tensor hidden_ND, int[] states) {
        return update.values().values(silent, hidden_ND, states);
    }

    private double score(Graded answer) {
        double score =
                settings.credit().normaliseScores()
                        ? memory.normalised(answer.score())
                        : answer.score();
        return Credit.scored(settings.credit(), score, answer.ended());
    }

    private static double[] range(float[] values, int from, int length) {
        double[] range = new double[length];
        for (int t = 0; t < length; t++) {
            range[t] = values[from + t];
        }
        return range;
    }

    private void observe(List<Credit.Answer> answers) {
        double distance = 0;
        for (Credit.Answer answer : answers) {
            distance += Arrays.stream(answer.distances(settings.distance().estimator())).sum();
        }
        double mean = distance / Math.max(1, answers.size());
        double price = memory.control().coefficient() * mean;
        double score = answers.stream().mapToDouble(Credit.Answer::score).average().orElse(0);
        memory.observe(
                new Metrics.Builder()
                        .mean("objective/kl", mean)
                        .mean("objective/kl_coef", memory.control().coefficient())
                        .mean("objective/non_score_reward", -price)
                        .mean("objective/rlhf_reward", score - price)
                        .build());
        memory.control().observe(mean, answers.size());
    }

    private static Metrics figures(List<List<Graded>> parts) {
        Metrics.Builder metrics = new Metrics.Builder();
        for (List<Graded> part : parts) {
            for (Graded answer : part) {
                metrics.mean("objective/scores", answer.score())
                        .mean("val/num_eos_tokens", answer.ended() ? 1 : 0)
                        .mean("completions/mean_length", answer.length());
            }
        }
        return metrics.build();
    }

    /// One update: a mini-batch of the answers.
    private final class Update implements Step {
        private final List<List<Experience>> chosen;
        private final PpoUpdate.Totals totals;

        Update(int use) {
            this.chosen =
                    StoredAnswers.ofUpdate(memory.parts(), settings.update().miniBatches(), use);
            this.totals = PpoUpdate.Totals.of(chosen.stream().flatMap(List::stream).toList());
        }

        @Override
        public int parts() {
            return chosen.size();
        }

        @Override
        public long tokens(int part) {
            return chosen.get(part).stream().mapToLong(e -> e.document().length()).sum();
        }

        @Override
        public LossSum loss(Tape tape, int part) {
            LossSum sum = update.loss(tape, chosen.get(part), totals);
            return sum.with(memory.figures());
        }
    }

    @Override
    public void save(Path folder) throws IOException {
        memory.save(folder);
    }

    @Override
    public void restore(Path folder) {
        memory.restore(folder);
    }
}
