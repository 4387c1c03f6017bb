/// How fast a run learns at which step.
@org.jspecify.annotations.NullMarked
package dev.tunesmith.engine.loop.rate;
