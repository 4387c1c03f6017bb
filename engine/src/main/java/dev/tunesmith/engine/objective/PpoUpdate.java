package dev.tunesmith.engine.objective;

import dev.tunesmith.contracts.method.MethodSettings.Ppo;
import dev.tunesmith.engine.data.BatchBuilder;
import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.model.ScoreHead;
import dev.tunesmith.engine.tape.Tape;
import java.util.List;

/// The clipped policy and value losses of PPO on answers that were drawn before.
///
/// @param temperature that the answers were drawn with
public record PpoUpdate(Policy policy, ScoreHead values, Ppo.Update settings, double temperature) {

    /// Mean ratio above which a part is left out: the answers are too far from the policy.
    private static final double RATIO_MAX = 10;

    /// What the means of an update are divided by.
    ///
    /// @param tokens of all answers
    /// @param states with a value
    public record Totals(long tokens, long states) {
        /// The totals of all answers of an update.
        public static Totals of(List<Experience> answers) {
            return new Totals(
                    answers.stream().mapToLong(answer -> answer.logProbs().length).sum(),
                    answers.stream().mapToLong(answer -> answer.values().length).sum());
        }
    }

    /// The documents of some answers as one batch.
    public static TokenBatch batch(List<Experience> answers) {
        return documents(answers.stream().map(Experience::document).toList());
    }

    static TokenBatch documents(List<Sample> documents) {
        BatchBuilder builder = new BatchBuilder();
        documents.forEach(builder::add);
        return builder.build();
    }

    /// Runs the policy on a part of the answers; on a recording tape the gradients follow.
    public LossSum loss(Tape tape, List<Experience> part, Totals totals) {
        TokenBatch batch = batch(part);
        ScoredBatch scored = ScoredBatch.of(policy, tape, batch, temperature);
        int[] states = states(part, batch);
        double[] now = values.values(tape, scored.hidden_ND(), states);
        Sums sums = new Sums(scored.answers().tokens(), states.length);
        int token = 0;
        int state = 0;
        for (Experience answer : part) {
            for (int t = 0; t < answer.logProbs().length; t++, token++) {
                addToken(sums, token, scored, answer, t);
            }
            for (int t = 0; t < answer.values().length; t++, state++) {
                addState(sums, state, now[state], answer.values()[t], answer.returns()[t]);
            }
        }
        boolean skipped = sums.ratios > RATIO_MAX * Math.max(1, token);
        if (!skipped) {
            sums.scale(totals, settings);
            scored.backward(tape, sums.logProbSlopes, sums.entropySlopes);
            values.backward(tape, scored.hidden_ND(), states, sums.valueSlopes);
        }
        double loss =
                skipped
                        ? 0
                        : sums.policy / totals.tokens
                                + settings.valueCoefficient() * sums.value / totals.states
                                - settings.entropyCoefficient() * sums.entropy / totals.tokens;
        return new LossSum(
                loss * totals.tokens,
                token,
                token,
                token,
                scored.correct(1),
                sums.metrics(token, state));
    }

    private static int[] states(List<Experience> part, TokenBatch batch) {
        int[] states = new int[part.stream().mapToInt(answer -> answer.values().length).sum()];
        int at = 0;
        for (int d = 0; d < part.size(); d++) {
            int first = batch.cuSeqlens_D1()[d] + part.get(d).firstState();
            for (int t = 0; t < part.get(d).values().length; t++) {
                states[at++] = first + t;
            }
        }
        return states;
    }

    private void addToken(Sums sums, int m, ScoredBatch scored, Experience answer, int t) {
        double change = scored.scores().logProbs_M()[m] - answer.logProbs()[t];
        double ratio = Math.exp(change);
        double advantage = answer.advantages()[t];
        double free = -advantage * ratio;
        double bound = Math.clamp(ratio, 1 - settings.clip(), 1 + settings.clip());
        double clipped = -advantage * bound;
        sums.policy += Math.max(free, clipped);
        sums.logProbSlopes[m] = free >= clipped ? free : 0;
        sums.entropy += scored.scores().entropies_M()[m];
        sums.ratios += ratio;
        sums.ratioSquares += ratio * ratio;
        sums.clipped += clipped > free ? 1 : 0;
        sums.squaredChange += change * change / 2;
    }

    private void addState(Sums sums, int at, double now, double before, double target) {
        double bound =
                Math.min(
                        Math.max(now, before - settings.valueClip()),
                        before + settings.valueClip());
        double free = (now - target) * (now - target);
        double clipped = (bound - target) * (bound - target);
        sums.value += Math.max(free, clipped) / 2;
        sums.valueSlopes[at] = free >= clipped ? now - target : 0;
        sums.valuesClipped += clipped > free ? 1 : 0;
    }

    /// Running sums over a part.
    private static final class Sums {
        private final double[] logProbSlopes;
        private final double[] entropySlopes;
        private final double[] valueSlopes;
        private double policy;
        private double value;
        private double entropy;
        private double ratios;
        private double ratioSquares;
        private double clipped;
        private double valuesClipped;
        private double squaredChange;

        Sums(int tokens, int states) {
            this.logProbSlopes = new double[tokens];
            this.entropySlopes = new double[tokens];
            this.valueSlopes = new double[states];
        }

        void scale(Totals totals, Ppo.Update settings) {
            for (int m = 0; m < logProbSlopes.length; m++) {
                logProbSlopes[m] /= totals.tokens;
                entropySlopes[m] = -settings.entropyCoefficient() / totals.tokens;
            }
            for (int s = 0; s < valueSlopes.length; s++) {
                valueSlopes[s] *= settings.valueCoefficient() / totals.states;
            }
        }

        Metrics metrics(int tokens, int states) {
            double ratio = ratios / tokens;
            return new Metrics.Builder()
                    .mean("policy/approxkl_avg", squaredChange / tokens, tokens)
                    .mean("policy/clipfrac_avg", clipped / tokens, tokens)
                    .mean("policy/entropy_avg", entropy / tokens, tokens)
                    .mean("loss/policy_avg", policy / tokens, tokens)
                    .mean("loss/value_avg", value / states, states)
                    .mean("val/clipfrac_avg", valuesClipped / states, states)
                    .mean("val/ratio", ratio, tokens)
                    .mean("val/ratio_var", ratioSquares / tokens - ratio * ratio, tokens)
                    .build();
        }
    }
}
