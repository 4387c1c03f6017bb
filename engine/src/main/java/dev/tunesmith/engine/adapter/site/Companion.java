package dev.tunesmith.engine.adapter.site;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/// What a kind of adapter does in training beside its layers.
public interface Companion {

    /// A part of the loss that depends on the parameters only; adds `scale` times its gradient.
    ///
    /// @param scale 0 only computes
    double penalty(double scale);

    /// Looks at the gradients, which a step sets to zero.
    void beforeStep();

    /// Follows an optimizer step.
    ///
    /// @param step number of the step, from 0
    /// @param clipped what the gradients were multiplied by
    void afterStep(int step, double clipped);

    /// Components of modules that are left, by name; empty if all are.
    Map<String, List<Boolean>> kept();

    /// Writes what the next step depends on into the folder of a checkpoint.
    void save(Path folder) throws IOException;

    /// Reads what [#save] wrote.
    void restore(Path folder);
}
