/// Does a job fit into a device's memory: arithmetic on a model's shape and a job's settings.
@NullMarked
package dev.tunesmith.contracts.fit;

import org.jspecify.annotations.NullMarked;
