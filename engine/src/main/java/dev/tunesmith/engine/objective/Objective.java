package dev.tunesmith.engine.objective;

import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.StepArena;
import java.util.List;

/// How the batches of an optimizer step become a loss. The loop knows nothing else about a training
/// method.
public interface Objective {

    /// Looks at all parts of a step before the first gradient: what a mean is divided by, and
    /// whatever else depends on the step as a whole. So the result does not depend on how the step
    /// was cut.
    Step begin(StepArena arena, List<TokenBatch> parts);

    /// One optimizer step, part by part.
    interface Step {

        /// Runs the models on a part. On a recording tape, replaying the tape afterwards adds the
        /// gradient of the part's share of the step's mean loss to the trained parameters.
        LossSum loss(Tape tape, int part);
    }
}
