/// Arithmetic on low-rank factors: splitting a weight into factors and a rest, turning such factors
/// into an adapter of the untouched weight, and joining several adapters into one.
///
/// Start with [dev.tunesmith.engine.adapter.factor.Split] and
/// [dev.tunesmith.engine.adapter.factor.Combination].
@NullMarked
package dev.tunesmith.engine.adapter.factor;

import org.jspecify.annotations.NullMarked;
