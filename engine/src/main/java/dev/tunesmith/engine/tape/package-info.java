/// The tape: which operations ran, so that their gradients can run in reverse.
///
/// Start with [dev.tunesmith.engine.tape.Tape]. Layers record themselves; the tape only keeps the
/// order, the gradients under way and the regions they live in. Whether a block keeps its
/// intermediate results or computes them again is one flag of
/// [dev.tunesmith.engine.tape.Tape#block], so both ways run the same code.
@NullMarked
package dev.tunesmith.engine.tape;

import org.jspecify.annotations.NullMarked;
