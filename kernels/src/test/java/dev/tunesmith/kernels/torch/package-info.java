/// What is asked of a libtorch for CUDA, without a GPU.
@NullMarked
package dev.tunesmith.kernels.torch;

import org.jspecify.annotations.NullMarked;
