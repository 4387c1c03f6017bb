/// Every kernel against a slow, obvious twin in fp64 at every level of this machine, with odd
/// sizes; memory is fenced, so a write past an end fails too.
@NullMarked
package dev.tunesmith.kernels.cpu;

import org.jspecify.annotations.NullMarked;
