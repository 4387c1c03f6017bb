/// GRPO and its relatives: answers to one prompt are compared with each other.
///
/// Start with [dev.tunesmith.engine.objective.group.GroupObjective].
@org.jspecify.annotations.NullMarked
package dev.tunesmith.engine.objective.group;
