@org.jspecify.annotations.NullMarked
package dev.tunesmith.kernels;
