/// What a model says itself: answers drawn from it, and what they are worth.
///
/// Start with [dev.tunesmith.engine.objective.rollout.Actor].
@org.jspecify.annotations.NullMarked
package dev.tunesmith.engine.objective.rollout;
