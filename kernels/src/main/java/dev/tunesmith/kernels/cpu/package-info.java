/// Own CPU kernels, one record or class an operation: its components are the shape and options, its
/// methods take the addresses of the caller's tensors.
///
/// - Addresses are raw, contiguous rows unless a [Strided] gives the distance between rows in
///   elements. An address documented as optional may be 0.
/// - Nothing allocates: outputs and scratch are the caller's; `…ScratchBytes` says how much.
/// - Sums are in fp32 in a fixed order: two runs are bit-equal whatever the thread count.
/// - `threads` bounds the OpenMP team; call from the device's one compute thread.
/// - Axes: N tokens, R rows, C columns, V vocabulary, H head width, S sequences, D documents, M and
///   K sides of a product, P pages or positions.
///
/// Start at [dev.tunesmith.kernels.cpu.CpuKernels], which opens the library and names the chosen
/// instruction set.
@NullMarked
package dev.tunesmith.kernels.cpu;

import org.jspecify.annotations.NullMarked;
