package dev.tunesmith.contracts.grade;

/// How likely a model finds the answers of one row, each token read behind the right ones before
/// it.
///
/// @param tokens tokens that training would predict
/// @param loss sum of their cross-entropies, in nats
/// @param hits how many of them were the model's first choice
public record Likelihood(int tokens, double loss, int hits) {

    /// Mean cross-entropy of a token.
    public double meanLoss() {
        return loss / Math.max(1, tokens);
    }

    /// Share of the tokens that were the model's first choice.
    public double accuracy() {
        return (double) hits / Math.max(1, tokens);
    }
}
