/// The CUDA library without a GPU: the emulation of its kernels, and the file itself.
@NullMarked
package dev.tunesmith.kernels.cuda;

import org.jspecify.annotations.NullMarked;
