/// Everything native: finding, unpacking and opening shared libraries, and typed Java over them.
///
/// Start at [dev.tunesmith.kernels.NativeLibrary]. Callers pass raw addresses that they own;
/// nothing here allocates tensors or keeps an address after a call.
@NullMarked
package dev.tunesmith.kernels;

import org.jspecify.annotations.NullMarked;
