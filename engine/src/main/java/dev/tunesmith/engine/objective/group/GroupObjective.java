package dev.tunesmith.engine.objective.group;

import dev.tunesmith.contracts.method.Grader;
import dev.tunesmith.contracts.method.GroupSettings;
import dev.tunesmith.engine.data.BatchBuilder;
import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.nn.Head;
import dev.tunesmith.engine.objective.LossSum;
import dev.tunesmith.engine.objective.Metrics;
import dev.tunesmith.engine.objective.Objective;
import dev.tunesmith.engine.objective.ScoredBatch;
import dev.tunesmith.engine.objective.StoredAnswers;
import dev.tunesmith.engine.objective.group.GroupMemory.Kept;
import dev.tunesmith.engine.objective.group.GroupUpdate.Answer;
import dev.tunesmith.engine.objective.rollout.Actor;
import dev.tunesmith.engine.objective.rollout.Actor.Graded;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.StepArena;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// GRPO and its relatives: several answers to each prompt of a step are drawn and graded, their
/// grades become advantages, and the model is updated on them as often as the settings say.
///
/// Answers are drawn all at once, with the cache of serving, and go through the model in parts of
/// as many documents as a part has prompts. What later updates need travels in the checkpoint.
public final class GroupObjective implements Objective {

    private final GroupSettings settings;
    private final Actor actor;
    private final GroupUpdate update;
    private final Optional<Decoder> reference;
    private final GroupMemory memory = new GroupMemory();

    /// @param reference the policy before training, if moving away from it has a price
    public GroupObjective(
            GroupSettings settings, GroupUpdate update, Optional<Decoder> reference, Actor actor) {
        this.settings = settings;
        this.update = update;
        this.reference = reference;
        this.actor = actor;
    }

    @Override
    public Step begin(StepArena arena, List<TokenBatch> parts, Occasion occasion) {
        if (!occasion.training()) {
            List<TokenBatch> asked = asked(parts);
            return Step.of(asked, (_, part) -> evaluate(arena, asked.get(part)));
        }
        if (occasion.use() == 0) {
            draw(arena, parts, occasion.step());
        }
        return new Update(occasion.use());
    }

    /// As many prompts as an evaluation is to ask.
    private List<TokenBatch> asked(List<TokenBatch> parts) {
        int most = settings.exam().samples();
        List<TokenBatch> asked = new ArrayList<>();
        int count = 0;
        for (TokenBatch part : parts) {
            if (most == 0 || count < most) {
                asked.add(part);
                count += part.documents();
            }
        }
        return asked;
    }

    /// What the model answers at its most probable.
    private LossSum evaluate(StepArena arena, TokenBatch prompts) {
        List<Graded> answers = actor.answers(arena, List.of(prompts), 0, 0, 1);
        double score = answers.stream().mapToDouble(Graded::score).sum();
        long tokens = answers.stream().mapToLong(Graded::length).sum();
        return new LossSum(-score, answers.size(), tokens, 0, 0, GroupFigures.of(answers, 1));
    }

    private void draw(StepArena arena, List<TokenBatch> prompts, long step) {
        int group = settings.answers();
        double temperature = settings.rollout().temperature();
        List<Graded> graded = actor.answers(arena, prompts, step, temperature, group);
        int width = prompts.stream().mapToInt(TokenBatch::documents).max().orElse(1);
        List<Sample> documents = graded.stream().map(this::trained).toList();
        boolean looksBack =
                settings.updatesPerBatch() > 1
                        || settings.rewarding().distance() > 0
                        || settings.loss().entropy().share() < 1;
        Thoughts now =
                looksBack
                        ? thoughts(update.policy().model(), arena, documents, width)
                        : Thoughts.none(documents.size());
        Thoughts before =
                reference
                        .map(model -> thoughts(model, arena, documents, width))
                        .orElseGet(() -> Thoughts.none(documents.size()));
        double[] advantages = advantages(graded, now, before);
        double entropyMin = entropyMin(now);
        boolean priced = settings.loss().price().coefficient() > 0;
        List<List<Kept>> parts = new ArrayList<>();
        for (int from = 0; from < documents.size(); from += width) {
            List<Kept> part = new ArrayList<>();
            for (int i = from; i < Math.min(documents.size(), from + width); i++) {
                Sample document = documents.get(i);
                double[] compared = priced ? before.logProbs.get(i) : new double[0];
                Answer answer = new Answer(document, now.logProbs.get(i), compared, advantages[i]);
                part.add(new Kept(answer, now.open(i, document, entropyMin)));
            }
            parts.add(part);
        }
        memory.keep(parts, GroupFigures.of(graded, group), entropyMin);
    }

    /// An answer that was cut off may not train.
    private Sample trained(Graded answer) {
        Sample document = answer.document();
        return settings.rewarding().leaveOutCut() && !answer.ended()
                ? new Sample(document.ids(), new float[document.length()], document.value())
                : document;
    }

    /// What a model thinks of the tokens of answers.
    private record Thoughts(List<double[]> logProbs, List<float[]> entropies) {
        static Thoughts none(int answers) {
            List<double[]> nothing = new ArrayList<>();
            for (int i = 0; i < answers; i++) {
                nothing.add(new double[0]);
            }
            return new Thoughts(nothing, List.of());
        }

        /// Tokens of an answer that are open enough.
        long open(int answer, Sample document, double entropyMin) {
            if (entropies.isEmpty()) {
                return document.trainedTokens();
            }
            long open = 0;
            for (float entropy : entropies.get(answer)) {
                open += entropy >= entropyMin ? 1 : 0;
            }
            return open;
        }
    }

    private Thoughts thoughts(Decoder model, StepArena arena, List<Sample> documents, int width) {
        List<double[]> logProbs = new ArrayList<>();
        List<float[]> entropies = new ArrayList<>();
        for (int from = 0; from < documents.size(); from += width) {
            List<Sample> part = documents.subList(from, Math.min(documents.size(), from + width));
            BatchBuilder builder = new BatchBuilder();
            part.forEach(builder::add);
            Head.Scores scores =
                    ScoredBatch.measure(
                            model, arena, builder.build(), settings.rollout().temperature());
            int m = 0;
            for (Sample document : part) {
                double[] own = new double[document.trainedTokens()];
                for (int t = 0; t < own.length; t++) {
                    own[t] = scores.logProbs_M()[m + t];
                }
                logProbs.add(own);
                entropies.add(Arrays.copyOfRange(scores.entropies_M(), m, m + own.length));
                m += own.length;
            }
        }
        return new Thoughts(logProbs, entropies);
    }

    private double entropyMin(Thoughts now) {
        double share = settings.loss().entropy().share();
        if (share >= 1) {
            return Double.NEGATIVE_INFINITY;
        }
        int tokens = now.entropies.stream().mapToInt(each -> each.length).sum();
        float[] all = new float[tokens];
        int at = 0;
        for (float[] each : now.entropies) {
            System.arraycopy(each, 0, all, at, each.length);
            at += each.length;
        }
        return tokens == 0
                ? Double.NEGATIVE_INFINITY
                : GroupUpdate.Open.share(all, share).entropyMin();
    }

    private double[] advantages(List<Graded> graded, Thoughts now, Thoughts before) {
        GroupSettings.Rewarding rewarding = settings.rewarding();
        var groups = new GroupAdvantages(settings.answers());
        if (rewarding.normaliseFirst() && actor.grader().bare() instanceof Grader.Multi multi) {
            List<double[]> rewards = new ArrayList<>();
            double[] weights = new double[multi.graders().size()];
            int f = 0;
            for (Map.Entry<String, Grader> part : multi.graders().entrySet()) {
                String name = part.getKey();
                rewards.add(graded.stream().mapToDouble(g -> g.parts().get(name)).toArray());
                weights[f++] = multi.weights().getOrDefault(name, 1.0);
            }
            return groups.normalisedThenSummed(rewards, weights);
        }
        double[] rewards = graded.stream().mapToDouble(Graded::score).toArray();
        if (rewarding.distance() > 0) {
            rewards =
                    GroupAdvantages.priced(
                            rewards, rewarding.distance(), now.logProbs, before.logProbs);
        }
        return groups.of(rewarding.advantage(), rewards);
    }

    /// One update: a mini-batch of the answers.
    private final class Update implements Step {
        private final List<List<Answer>> chosen;
        private final GroupUpdate.Totals totals;

        Update(int use) {
            List<List<Kept>> parts =
                    StoredAnswers.ofUpdate(memory.parts(), settings.updates().miniBatches(), use);
            long open = parts.stream().flatMap(List::stream).mapToLong(Kept::open).sum();
            this.chosen =
                    parts.stream().map(part -> part.stream().map(Kept::answer).toList()).toList();
            List<Answer> all = chosen.stream().flatMap(List::stream).toList();
            GroupUpdate.Totals plain = GroupUpdate.Totals.of(all, settings.rollout().tokensMax());
            this.totals =
                    new GroupUpdate.Totals(
                            plain.answers(),
                            Math.max(1, plain.tokens()),
                            plain.longest(),
                            new GroupUpdate.Open(memory.entropyMin(), Math.max(1, open)));
        }

        @Override
        public int parts() {
            return chosen.size();
        }

        @Override
        public long tokens(int part) {
            return chosen.get(part).stream().mapToLong(a -> a.document().length()).sum();
        }

        @Override
        public LossSum loss(Tape tape, int part) {
            Metrics figures = memory.figures();
            return update.loss(tape, chosen.get(part), totals).with(figures);
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
