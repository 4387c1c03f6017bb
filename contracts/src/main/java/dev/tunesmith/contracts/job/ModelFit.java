package dev.tunesmith.contracts.job;

import dev.tunesmith.contracts.fit.ModelFacts;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.problem.ProblemCode;
import java.util.ArrayList;
import java.util.List;

/// What of a create body can only be judged once the model is known.
public final class ModelFit {

    private ModelFit() {}

    /// Everything that does not go with the model.
    public static List<Problem> problems(JobSpec spec, ModelFacts model) {
        TrainingOptions.Part part = spec.training().adapter().part();
        List<Problem> problems = new ArrayList<>();
        TrainingOptions.LayerChoice layers = part.layers();
        if (layers != null) {
            int most = layers.listed().stream().mapToInt(n -> n + 1).max().orElse(layers.count());
            if (Math.abs(most) > model.layers()) {
                problems.add(
                        Problem.of(
                                ProblemCode.INVALID_VALUE,
                                "x_training.trainable_layers",
                                "%s goes beyond the %d layers of the model"
                                        .formatted(layers.wire(), model.layers())));
            }
        }
        Integer copies = part.newBlocks();
        if (copies != null && copies > model.layers()) {
            problems.add(
                    Problem.of(
                            ProblemCode.INVALID_VALUE,
                            "x_training.new_blocks",
                            "%d copies of %d layers; at most one of each"
                                    .formatted(copies, model.layers())));
        }
        return problems;
    }
}
