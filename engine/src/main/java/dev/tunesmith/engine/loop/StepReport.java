package dev.tunesmith.engine.loop;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/// One optimizer step, as an operator sees it.
///
/// @param step number of finished steps, this one included
/// @param epoch passes over the dataset so far, with a fraction
/// @param loss mean loss of the trained tokens of the step before the update
/// @param accuracy share of trained tokens whose most likely prediction was right
/// @param learningRate rate used by this step
/// @param gradientNorm global norm before clipping
/// @param tokensPerSecond all tokens of the recent steps by their wall time
/// @param trainedTokens tokens with a label since the start of the run
/// @param secondsLeft estimate from the recent steps
/// @param metrics further figures of the method, under the names of its field
public record StepReport(
        int step,
        int totalSteps,
        double epoch,
        double loss,
        double accuracy,
        double learningRate,
        double gradientNorm,
        double tokensPerSecond,
        long trainedTokens,
        double secondsLeft,
        Map<String, Double> metrics) {
    public StepReport {
        metrics = Collections.unmodifiableMap(new TreeMap<>(metrics));
    }
}
