package dev.tunesmith.engine.objective;

import dev.tunesmith.contracts.method.MethodSettings.ReferenceFree;
import dev.tunesmith.contracts.method.MethodSettings.ReferenceFree.Nll;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.StepArena;
import java.util.List;

/// ORPO (arXiv 2403.07691), SimPO (arXiv 2405.14734) and CPO (arXiv 2401.08417): pairs of answers
/// compared without a reference, beside the cross-entropy of the chosen one.
public record ReferenceFreeObjective(Policy policy, ReferenceFree settings) implements Objective {

    @Override
    public Step begin(StepArena arena, List<TokenBatch> parts, Occasion occasion) {
        PairMetrics.Totals totals = PairMetrics.Totals.of(parts, this::first);
        return Step.of(parts, (tape, part) -> loss(tape, parts.get(part), totals));
    }

    private int first(Answers answers, int document) {
        return settings.nll() == Nll.FULL ? answers.first(document) : answers.begin(document);
    }

    private LossSum loss(Tape tape, TokenBatch batch, PairMetrics.Totals totals) {
        ScoredBatch scored = ScoredBatch.of(policy, tape, batch, 1);
        Answers answers = scored.answers();
        double[] slopes_M = new double[answers.tokens()];
        Metrics.Builder metrics = new Metrics.Builder();
        double loss = 0;
        for (int d = 0; d + 1 < answers.documents(); d += 2) {
            double chosen = mean(scored, d);
            double rejected = mean(scored, d + 1);
            double chosenScale = settings.averages() ? 1.0 / answers.length(d) : 1;
            double rejectedScale = settings.averages() ? 1.0 / answers.length(d + 1) : 1;
            Dual pair =
                    pair(
                            Dual.first(chosen * answers.length(d) * chosenScale),
                            Dual.second(rejected * answers.length(d + 1) * rejectedScale),
                            metrics);
            loss += pair.value();
            spread(slopes_M, answers, d, pair.a() * chosenScale / totals.pairs());
            spread(slopes_M, answers, d + 1, pair.b() * rejectedScale / totals.pairs());
            loss += nll(scored, d, slopes_M, totals, metrics);
        }
        PairMetrics.addTokens(metrics, scored, d -> d % 2 == 0);
        scored.backward(tape, slopes_M, new double[slopes_M.length]);
        int pairs = answers.documents() / 2;
        return new LossSum(
                loss,
                pairs,
                scored.answerTokens(1),
                scored.answerTokens(2),
                scored.correct(2),
                metrics.build());
    }

    private static double mean(ScoredBatch scored, int document) {
        Answers answers = scored.answers();
        double sum = 0;
        for (int m = answers.begin(document); m < answers.end(document); m++) {
            sum += scored.scores().logProbs_M()[m];
        }
        return sum / answers.length(document);
    }

    private static void spread(double[] slopes_M, Answers answers, int document, double slope) {
        for (int m = answers.begin(document); m < answers.end(document); m++) {
            slopes_M[m] += slope;
        }
    }

    /// The loss of a pair by its log-probabilities, or their means.
    Dual pair(Dual chosen, Dual rejected, Metrics.Builder metrics) {
        double beta = settings.beta();
        metrics.mean("logps/chosen", chosen.value())
                .mean("logps/rejected", rejected.value())
                .mean("rewards/chosen", beta * chosen.value())
                .mean("rewards/rejected", beta * rejected.value())
                .mean("rewards/margins", beta * (chosen.value() - rejected.value()))
                .mean("rewards/accuracies", chosen.value() > rejected.value() ? 1 : 0);
        Dual difference = shaped(chosen).minus(shaped(rejected));
        double wrong = settings.labelSmoothing();
        return switch (settings.loss()) {
            case ORPO -> {
                Dual odds =
                        difference.minus(chosen.logOneMinusExp().minus(rejected.logOneMinusExp()));
                Dual loss = odds.times(-1).softplus();
                metrics.mean("log_odds_ratio", -loss.value()).mean("log_odds_chosen", odds.value());
                yield loss.times(beta);
            }
            case SIGMOID, SIMPO -> {
                double offset = settings.loss() == ReferenceFree.Loss.SIMPO ? settings.gamma() : 0;
                Dual margin = difference.times(beta).plus(-offset);
                yield margin.times(-1)
                        .softplus()
                        .times(1 - wrong)
                        .plus(margin.softplus().times(wrong));
            }
            case HINGE -> difference.times(-beta).plus(1).positive();
            case IPO -> difference.plus(-1 / (2 * beta)).square();
        };
    }

    /// AlphaPO's shape of a reward (arXiv 2501.03884).
    private Dual shaped(Dual logProb) {
        double alpha = settings.alpha();
        return alpha == 0
                ? logProb
                : logProb.times(-alpha)
                        .atMost(PreferenceLoss.EXPONENT_MAX)
                        .exp()
                        .times(-1)
                        .plus(1)
                        .times(1 / alpha);
    }

    /// The pair's share of the cross-entropy, as a loss that the mean over pairs is taken of.
    private double nll(
            ScoredBatch scored,
            int chosen,
            double[] slopes_M,
            PairMetrics.Totals totals,
            Metrics.Builder to) {
        Answers answers = scored.answers();
        int first = first(answers, chosen);
        int length = answers.end(chosen) - first;
        double share =
                settings.nll() == Nll.ROWS
                        ? 1.0 / length
                        : (double) totals.pairs() / totals.chosenTokens();
        double sum = 0;
        for (int m = first; m < answers.end(chosen); m++) {
            sum -= scored.scores().logProbs_M()[m];
            slopes_M[m] -= settings.nllWeight() * share / totals.pairs();
        }
        if (settings.nllWeight() == 0) {
            to.mean("nll_loss", 0);
        } else if (settings.nll() == Nll.ROWS) {
            to.mean("nll_loss", sum / length);
        } else {
            to.mean("nll_loss", sum / length, length);
        }
        return settings.nllWeight() * sum * share;
    }
}
