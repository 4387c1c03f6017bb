/// Weights in fewer bits: the formats that checkpoints use and the rules by which values become
/// codes.
///
/// Start with [dev.tunesmith.engine.quant.PackedForm], which reads what a checkpoint holds, and
/// [dev.tunesmith.engine.quant.FourBitFormat], which quantises while loading. Products with such
/// weights are in [dev.tunesmith.engine.ops.CodedMatrix]: a new form becomes a
/// [dev.tunesmith.engine.ops.GroupedMatrix] wherever a scale and a zero point a group describe it.
@NullMarked
package dev.tunesmith.engine.quant;

import org.jspecify.annotations.NullMarked;
