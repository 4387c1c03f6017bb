package dev.tunesmith.engine.objective.group;

import dev.tunesmith.contracts.method.GroupLoss;
import dev.tunesmith.contracts.method.GroupLoss.Kind;
import dev.tunesmith.engine.data.BatchBuilder;
import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.objective.Dual;
import dev.tunesmith.engine.objective.LossSum;
import dev.tunesmith.engine.objective.Metrics;
import dev.tunesmith.engine.objective.Policy;
import dev.tunesmith.engine.objective.ScoredBatch;
import dev.tunesmith.engine.tape.Tape;
import java.util.List;

/// The policy losses of GRPO and its relatives on answers with advantages.
///
/// @param temperature that the answers were drawn with
public record GroupUpdate(Policy policy, GroupLoss settings, double temperature) {

    private static final double LOG_RATIO_MAX = 20;
    private static final double LOG_WEIGHT_MIN = Math.log(1e-8);

    /// An answer and what is known of the time when it was drawn.
    ///
    /// @param document prompt and answer; the answer's tokens have weight 1
    /// @param old log-probabilities of its tokens then; empty for those of now
    /// @param reference log-probabilities under the reference; empty if there is no price
    // Arrays: never compared.
    @SuppressWarnings("ArrayRecordComponent")
    public record Answer(Sample document, double[] old, double[] reference, double advantage) {}

    /// What the sums of an update are divided by.
    ///
    /// @param tokens what kinds that average tokens divide by
    /// @param longest most tokens that an answer may have
    /// @param open which tokens train
    public record Totals(long answers, double tokens, int longest, Open open) {
        /// The totals of all answers of an update whose tokens all train.
        public static Totals of(List<Answer> answers, int longest) {
            long tokens = answers.stream().mapToLong(a -> a.document.trainedTokens()).sum();
            return new Totals(
                    answers.size(), tokens, longest, new Open(Double.NEGATIVE_INFINITY, tokens));
        }
    }

    /// The tokens that train: those whose distribution is open enough.
    ///
    /// @param entropyMin entropy below which a token does not train
    /// @param tokens number of those that do
    public record Open(double entropyMin, long tokens) {
        /// The given share of all tokens, those with the largest entropies.
        public static Open share(float[] entropies_M, double share) {
            float[] sorted = entropies_M.clone();
            java.util.Arrays.sort(sorted);
            double place = (1 - share) * (sorted.length - 1);
            int below = (int) Math.floor(place);
            int above = Math.min(below + 1, sorted.length - 1);
            double least = sorted[below] + (place - below) * (sorted[above] - sorted[below]);
            long tokens = 0;
            for (float entropy : sorted) {
                tokens += entropy >= least ? 1 : 0;
            }
            return new Open(least, tokens);
        }
    }

    /// Runs the policy on a part of the answers; on a recording tape the gradients follow.
    public LossSum loss(Tape tape, List<Answer> part, Totals totals) {
        BatchBuilder builder = new BatchBuilder();
        part.forEach(answer -> builder.add(answer.document));
        TokenBatch batch = builder.build();
        ScoredBatch scored = ScoredBatch.of(policy, tape, batch, temperature);
        Sums sums = new Sums(scored, totals);
        for (int row = 0; row < part.size(); row++) {
            sums.add(row, part.get(row));
        }
        scored.backward(tape, sums.slopes_M, sums.entropySlopes_M);
        // As a mean over answers, so that the sum over all parts is the loss of the update.
        return new LossSum(
                sums.loss * totals.answers,
                part.size(),
                scored.answerTokens(1),
                scored.answerTokens(1),
                scored.correct(1),
                sums.metrics(part.size()));
    }

    /// Running sums over a part.
    private final class Sums {
        private final ScoredBatch scored;
        private final Totals totals;
        private final double[] slopes_M;
        private final double[] entropySlopes_M;
        private final Metrics.Builder metrics = new Metrics.Builder();
        private double loss;
        private double terms;

        Sums(ScoredBatch scored, Totals totals) {
            this.scored = scored;
            this.totals = totals;
            this.slopes_M = new double[scored.answers().tokens()];
            this.entropySlopes_M = new double[slopes_M.length];
        }

        void add(int row, Answer answer) {
            int begin = scored.answers().begin(row);
            int length = scored.answers().length(row);
            double[] now = new double[length];
            double[] changes = new double[length];
            double change = 0;
            for (int t = 0; t < length; t++) {
                now[t] = scored.scores().logProbs_M()[begin + t];
                changes[t] = answer.old.length == 0 ? 0 : now[t] - answer.old[t];
                change += changes[t];
            }
            boolean whole = settings.perSequence() || settings.kind() == Kind.RLOO;
            double shared = settings.kind() == Kind.RLOO ? change : change / Math.max(1, length);
            boolean left = tooFar(answer.advantage, -change / Math.max(1, length));
            double factor = factor(length);
            double ratioSlopes = 0;
            double low = 0;
            double high = 0;
            for (int t = 0; t < length; t++) {
                double ratio = Math.exp(whole ? shared : changes[t]);
                double entropy = scored.scores().entropies_M()[begin + t];
                boolean counts = entropy >= totals.open.entropyMin;
                Term term =
                        left || !counts
                                ? Term.NOTHING
                                : term(ratio, answer.advantage, now[t], changes);
                Term priced = priced(term, ratio, now[t], answer, t);
                loss += factor * priced.value;
                terms += factor * priced.value;
                slopes_M[begin + t] += factor * priced.logProbSlope;
                if (whole) {
                    ratioSlopes += factor * priced.ratioSlope * ratio;
                } else {
                    slopes_M[begin + t] += factor * priced.ratioSlope * ratio;
                }
                addEntropy(begin + t, entropy, counts);
                low += isLow(ratio, answer.advantage) ? 1 : 0;
                high += isHigh(ratio, answer.advantage) ? 1 : 0;
            }
            double share = settings.kind() == Kind.RLOO ? 1 : 1.0 / Math.max(1, length);
            for (int t = 0; whole && t < length; t++) {
                slopes_M[begin + t] += ratioSlopes * share;
            }
            note(length, low, high, whole);
        }

        /// The loss without the bonus is a mean over answers, too.
        Metrics metrics(int answers) {
            double bonus = settings.entropy().bonus();
            if (bonus != 0 && answers > 0) {
                metrics.mean("policy_loss", terms * totals.answers / answers, answers)
                        .mean("entropy_coef", bonus);
            }
            return metrics.build();
        }

        private void addEntropy(int m, double entropy, boolean counts) {
            double bonus = settings.entropy().bonus();
            if (counts && bonus != 0) {
                loss -= bonus * entropy / totals.open.tokens;
                entropySlopes_M[m] -= bonus / totals.open.tokens;
            }
            metrics.mean("entropy", entropy);
        }

        /// What a token's term is multiplied by.
        private double factor(int length) {
            return switch (settings.kind()) {
                case GRPO, SAPO, RLOO -> 1.0 / Math.max(1, length) / totals.answers;
                case DR_GRPO -> 1.0 / ((double) totals.answers * totals.longest);
                case LUSPO -> 1.0 / totals.answers;
                case BNPO, DAPO, CISPO, VESPO -> 1 / totals.tokens;
            };
        }

        private void note(int length, double low, double high, boolean whole) {
            if (length == 0) {
                return;
            }
            double weight = whole ? 1 : length;
            if (settings.kind() == Kind.CISPO) {
                metrics.mean("cispo_clip_ratio", high / length, weight);
                return;
            }
            metrics.mean("clip_ratio/low_mean", low / length, weight)
                    .smallest("clip_ratio/low_min", low / length)
                    .mean("clip_ratio/high_mean", high / length, weight)
                    .largest("clip_ratio/high_max", high / length)
                    .mean("clip_ratio/region_mean", (low + high) / length, weight);
        }

        private Term priced(Term term, double ratio, double now, Answer answer, int t) {
            if (answer.reference.length == 0) {
                return term;
            }
            double apart = answer.reference[t] - now;
            double distance = Math.exp(apart) - apart - 1;
            metrics.mean("kl", distance);
            double price = settings.price().coefficient();
            if (price == 0) {
                return term;
            }
            boolean corrected = settings.price().corrected();
            double weight = corrected ? ratio : 1;
            return new Term(
                    term.value + price * distance * weight,
                    term.logProbSlope + price * (1 - Math.exp(apart)) * weight,
                    term.ratioSlope + (corrected ? price * distance : 0));
        }
    }

    /// A token's term with its derivatives by its log-probability and by its ratio.
    private record Term(double value, double logProbSlope, double ratioSlope) {
        static final Term NOTHING = new Term(0, 0, 0);
    }

    /// Whether an answer that was bad is too far from the policy that drew it.
    private boolean tooFar(double advantage, double distance) {
        Double most = settings.entropy().offPolicyMax();
        return most != null && advantage < 0 && distance > most;
    }

    private boolean isLow(double ratio, double advantage) {
        return ratio < 1 - settings.clip().low() && advantage < 0;
    }

    private boolean isHigh(double ratio, double advantage) {
        double bound =
                settings.kind() == Kind.CISPO ? settings.clip().high() : 1 + settings.clip().high();
        return ratio > bound && advantage > 0;
    }

    private Term term(double ratio, double advantage, double logProb, double[] changes) {
        return switch (settings.kind()) {
            case GRPO, BNPO, DR_GRPO, DAPO, LUSPO, RLOO -> clipped(ratio, advantage);
            case CISPO -> weighted(Math.min(ratio, settings.clip().high()), advantage, logProb);
            case SAPO -> gated(ratio, advantage);
            case VESPO -> weighted(weight(changes, advantage), advantage, logProb);
        };
    }

    private Term clipped(double ratio, double advantage) {
        GroupLoss.Clip clip = settings.clip();
        double largest = clip.largest() == null ? Double.POSITIVE_INFINITY : clip.largest();
        boolean cut = ratio > largest;
        double free = Math.min(ratio, largest) * advantage;
        double bounded = Math.clamp(ratio, 1 - clip.low(), 1 + clip.high()) * advantage;
        boolean inside = ratio >= 1 - clip.low() && ratio <= 1 + clip.high();
        double slope = free <= bounded ? (cut ? 0 : -advantage) : inside ? -advantage : 0;
        return new Term(-Math.min(free, bounded), 0, slope);
    }

    private static Term weighted(double weight, double advantage, double logProb) {
        return new Term(-weight * advantage * logProb, -weight * advantage, 0);
    }

    /// Soft adaptive policy optimisation: negative advantages are let through a narrower gate.
    private static Term gated(double ratio, double advantage) {
        double sharpness = advantage > 0 ? 1 : 1.05;
        double gate = Dual.sigmoid(sharpness * (ratio - 1));
        return new Term(-4 / sharpness * gate * advantage, 0, -4 * gate * (1 - gate) * advantage);
    }

    private static double weight(double[] changes, double advantage) {
        double sum = 0;
        for (double change : changes) {
            sum += Math.clamp(change, -LOG_RATIO_MAX, LOG_RATIO_MAX);
        }
        double log = Math.clamp(sum, LOG_WEIGHT_MIN, LOG_RATIO_MAX);
        double power = advantage >= 0 ? 2 : 3;
        double decay = advantage >= 0 ? 3 : 2;
        return Math.exp(decay + power * log - decay * Math.exp(log));
    }
}
