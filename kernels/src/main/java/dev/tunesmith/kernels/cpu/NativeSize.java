package dev.tunesmith.kernels.cpu;

/// A call of a `ts_…_scratch` function, with the method handle's exact types.
@FunctionalInterface
interface NativeSize {
    long run() throws Throwable;
}
