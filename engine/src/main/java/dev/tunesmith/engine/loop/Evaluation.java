package dev.tunesmith.engine.loop;

import dev.tunesmith.contracts.care.Care;
import dev.tunesmith.engine.loop.subject.SpecRefusedException;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

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

    /// A figure by its name: `loss`, `accuracy`, or one of the method.
    ///
    /// @throws SpecRefusedException if there is none of that name, with those that there are
    public double value(String metric) {
        Double known =
                switch (metric) {
                    case Care.Choice.LOSS -> loss;
                    case "accuracy" -> accuracy;
                    default -> metrics.get(metric);
                };
        if (known == null) {
            throw new SpecRefusedException(
                    "metric_for_best",
                    List.of(
                            "evaluations have no %s; they have loss, accuracy%s"
                                    .formatted(
                                            metric,
                                            metrics.keySet().stream()
                                                    .map(name -> ", " + name)
                                                    .collect(Collectors.joining()))));
        }
        return known;
    }
}
