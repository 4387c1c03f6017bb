package dev.tunesmith.engine.objective;

import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.StepArena;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/// How the batches of an optimizer step become a loss. The loop knows nothing else about a training
/// method.
public interface Objective {

    /// When something is computed.
    ///
    /// @param step finished optimizer steps
    /// @param use how often the same rows were used before
    /// @param training false for an evaluation
    record Occasion(long step, int use, boolean training) {}

    /// Looks at all parts of a step before the first gradient: what a mean is divided by, and
    /// whatever else depends on the step as a whole. So the result does not depend on how the step
    /// was cut.
    Step begin(StepArena arena, List<TokenBatch> parts, Occasion occasion);

    /// Adds what the next steps depend on beside the model to a checkpoint; most need nothing.
    default void save(Path folder) throws IOException {
        // Nothing to remember.
    }

    /// Takes over what [#save] wrote.
    default void restore(Path folder) {
        // Nothing was remembered.
    }

    /// One optimizer step, part by part.
    interface Step {

        /// Number of parts.
        int parts();

        /// Tokens that go through the model with a part.
        long tokens(int part);

        /// Runs the models on a part. On a recording tape, replaying the tape afterwards adds the
        /// gradient of the part's share of the step's mean loss to the trained parameters.
        LossSum loss(Tape tape, int part);

        /// A step whose parts are the given batches.
        static Step of(List<TokenBatch> batches, PartLoss loss) {
            return new Step() {
                @Override
                public int parts() {
                    return batches.size();
                }

                @Override
                public long tokens(int part) {
                    return batches.get(part).tokens();
                }

                @Override
                public LossSum loss(Tape tape, int part) {
                    return loss.of(tape, part);
                }
            };
        }
    }

    /// The loss of one part.
    @FunctionalInterface
    interface PartLoss {
        /// See [Step#loss].
        LossSum of(Tape tape, int part);
    }
}
