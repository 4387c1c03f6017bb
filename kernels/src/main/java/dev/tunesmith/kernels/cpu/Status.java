package dev.tunesmith.kernels.cpu;

import dev.tunesmith.kernels.Invocation;
import dev.tunesmith.kernels.KernelException;

/// Turns the status of a native call into an exception that names the kernel and its shapes.
final class Status {
    private Status() {}

    /// @param shape any record that prints the sizes and options of the call
    static void check(String kernel, Object shape, Invocation.IntCall call) {
        int status = run(kernel, call);
        if (status == 0) {
            return;
        }
        KernelException.Code code =
                switch (status) {
                    case 1 -> KernelException.Code.BAD_SHAPE;
                    case 2 -> KernelException.Code.BAD_ARGUMENT;
                    default -> KernelException.Code.CALL;
                };
        throw new KernelException(
                code,
                "kernel %s refused %s: %s (status %d)".formatted(kernel, shape, code, status));
    }

    static int run(String kernel, Invocation.IntCall call) {
        return Invocation.status(kernel, call);
    }

    /// The bytes that a `ts_…_scratch` function asks for.
    static long scratch(String kernel, Invocation.LongCall call) {
        return Invocation.number(kernel, call);
    }
}
