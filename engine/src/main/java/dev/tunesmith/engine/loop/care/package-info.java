/// What watches over a run: the guard's memory of losses, averages and best weights.
@org.jspecify.annotations.NullMarked
package dev.tunesmith.engine.loop.care;
