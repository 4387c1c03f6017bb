/// Runners of the golden cases of training methods: losses, figures and gradients on fixed batches.
@NullMarked
package dev.tunesmith.bench.method;

import org.jspecify.annotations.NullMarked;
