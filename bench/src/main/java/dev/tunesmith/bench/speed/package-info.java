/// How fast training and decoding run on this machine, beside its physical limits.
///
/// Start with [dev.tunesmith.bench.speed.BenchCommand]. Figures mean something only as ratios
/// between alternating runs on one machine; the printed limits say what the machine gave at that
/// moment.
@NullMarked
package dev.tunesmith.bench.speed;

import org.jspecify.annotations.NullMarked;
