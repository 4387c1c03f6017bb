package dev.tunesmith.engine.objective;

/// Sums over some batches; adding two sums gives the sum of both.
///
/// @param loss weighted sum of the losses, in nats
/// @param weight what a mean loss is divided by: the weights of all labels, or the number of pairs
/// @param tokens number of labels
/// @param judged labels that the accuracy is of
/// @param correct number of them that have the largest logit
/// @param metrics further figures of the method
public record LossSum(
        double loss, double weight, long tokens, long judged, long correct, Metrics metrics) {

    /// The sum over nothing.
    public static final LossSum ZERO = new LossSum(0, 0, 0, 0, 0, Metrics.NONE);

    /// The sum of both.
    public LossSum plus(LossSum other) {
        return new LossSum(
                loss + other.loss,
                weight + other.weight,
                tokens + other.tokens,
                judged + other.judged,
                correct + other.correct,
                metrics.plus(other.metrics));
    }

    /// The same sums with further figures.
    public LossSum with(Metrics more) {
        return new LossSum(loss, weight, tokens, judged, correct, metrics.plus(more));
    }

    /// Weighted mean loss; 0 where nothing has a weight.
    public double mean() {
        return weight == 0 ? 0 : loss / weight;
    }

    /// Share of correct labels; 0 where there is none.
    public double accuracy() {
        return judged == 0 ? 0 : (double) correct / judged;
    }
}
