package dev.tunesmith.engine.objective;

/// Sums over the labels of some batches; adding two sums gives the sum of both.
///
/// @param loss weighted sum of the token losses, in nats
/// @param weight sum of the label weights: what a mean loss is divided by
/// @param tokens number of labels
/// @param correct number of labels that have the largest logit
public record LossSum(double loss, double weight, long tokens, long correct) {

    /// The sum over nothing.
    public static final LossSum ZERO = new LossSum(0, 0, 0, 0);

    /// The sum of both.
    public LossSum plus(LossSum other) {
        return new LossSum(
                loss + other.loss,
                weight + other.weight,
                tokens + other.tokens,
                correct + other.correct);
    }

    /// Weighted mean loss; 0 where no label has a weight.
    public double mean() {
        return weight == 0 ? 0 : loss / weight;
    }

    /// Share of correct labels; 0 where there is none.
    public double accuracy() {
        return tokens == 0 ? 0 : (double) correct / tokens;
    }
}
