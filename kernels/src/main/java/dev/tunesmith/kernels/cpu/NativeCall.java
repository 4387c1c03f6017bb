package dev.tunesmith.kernels.cpu;

/// One call of a native function.
@FunctionalInterface
interface NativeCall {
    int run() throws Throwable;
}
