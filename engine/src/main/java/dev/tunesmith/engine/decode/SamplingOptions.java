package dev.tunesmith.engine.decode;

import java.util.Map;

/// How a token is drawn. Order of the steps: bias, repetition, presence and frequency, then for
/// temperature 0 the largest logit (the lowest id of equals), else temperature, top-k, top-p,
/// min-p, draw.
///
/// @param temperature 0 … 2, 0 is greedy
/// @param topP smallest set whose probabilities reach this, at least one token
/// @param topK the most probable tokens, 0 for all
/// @param minP keep what has at least this share of the largest probability
/// @param presence subtracted once from a token of the answer
/// @param frequency subtracted for each time that a token stands in the answer
/// @param repetition divides positive logits of tokens of prompt and answer, multiplies negative
///   ones
/// @param bias added to the logit of a token id
/// @param seed with the position the only source of randomness
/// @param topLogprobs alternatives to report a token; -1 for no log-probabilities
public record SamplingOptions(
        double temperature,
        double topP,
        int topK,
        double minP,
        double presence,
        double frequency,
        double repetition,
        Map<Integer, Double> bias,
        long seed,
        int topLogprobs) {
    public SamplingOptions {
        bias = Map.copyOf(bias);
    }

    /// Greedy decoding without penalties and log-probabilities.
    public static SamplingOptions greedy() {
        return new SamplingOptions(0, 1, 0, 0, 0, 0, 1, Map.of(), 0, -1);
    }

    boolean changesLogits() {
        return !bias.isEmpty() || presence != 0 || frequency != 0 || repetition != 1;
    }
}
