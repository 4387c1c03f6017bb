/// The CUDA library: devices, streams and memory. The operations themselves are those of
/// [dev.tunesmith.kernels.cpu]: [dev.tunesmith.kernels.cuda.CudaStream#use] turns them to a device.
///
/// What no machine of this project could run yet is said in `docs/reference/kernels.md`.
@NullMarked
package dev.tunesmith.kernels.cuda;

import org.jspecify.annotations.NullMarked;
