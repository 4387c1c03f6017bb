package dev.tunesmith.engine.loop;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/// What the validation rows say about the model at one step.
///
/// @param loss mean loss of the trained tokens, in nats
/// @param accuracy share of trained tokens whose most likely prediction is right
/// @param tokens number of trained tokens that were looked at
/// @param metrics further figures of the method, under the names of its field
public record Evaluation(
        int step, double loss, double accuracy, long tokens, Map<String, Double> metrics) {
    public Evaluation {
        metrics = Collections.unmodifiableMap(new TreeMap<>(metrics));
    }
}
