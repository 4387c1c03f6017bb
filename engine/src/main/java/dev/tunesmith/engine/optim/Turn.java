package dev.tunesmith.engine.optim;

import dev.tunesmith.engine.ops.AdamStep;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;

/// One step of one group of parameters.
///
/// @param rate learning rate of the group
/// @param decay weight decay of the group
/// @param number of the step, from 1
/// @param arena lends memory for the time of one update
record Turn(double rate, double decay, long number, StepArena arena) {

    Region scratch() {
        return arena.open("optimizer step");
    }

    /// What stays of a weight after decoupled decay.
    double keep() {
        return 1 - rate * decay;
    }

    AdamStep adam(Rule.AdamW constants) {
        return new AdamStep(
                rate, constants.beta1(), constants.beta2(), constants.epsilon(), decay, number);
    }

    /// `1 − beta ^ number`: what an average that began with zeros has to be divided by.
    double correction(double beta) {
        return 1 - Math.pow(beta, (double) number);
    }

    /// The direction that the older AdamW of transformers moves in, whose epsilon is added before
    /// the bias correction: the same formula with another epsilon.
    AdamStep olderAdam(Rule.AdamW constants, double atRate) {
        return new AdamStep(
                atRate,
                constants.beta1(),
                constants.beta2(),
                constants.epsilon() / Math.sqrt(correction(constants.beta2())),
                0,
                number);
    }
}
