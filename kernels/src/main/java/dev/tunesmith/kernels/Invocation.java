package dev.tunesmith.kernels;

/// Calls of native functions. What a method handle throws is a mistake in the binding.
public final class Invocation {
    private Invocation() {}

    /// A call that returns an int, with the method handle's exact types.
    @FunctionalInterface
    public interface IntCall {
        int run() throws Throwable;
    }

    /// A call that returns a long, with the method handle's exact types.
    @FunctionalInterface
    public interface LongCall {
        long run() throws Throwable;
    }

    /// What the function returns. Nothing is built but for a failure: an operation is called often.
    public static int status(String function, IntCall call) {
        try {
            return call.run();
        } catch (Throwable e) {
            throw failed(function, e);
        }
    }

    /// What the function returns.
    public static long number(String function, LongCall call) {
        try {
            return call.run();
        } catch (Throwable e) {
            throw failed(function, e);
        }
    }

    private static KernelException failed(String function, Throwable e) {
        if (e instanceof KernelException known) {
            return known;
        }
        return new KernelException(
                KernelException.Code.CALL, "calling %s failed".formatted(function), e);
    }
}
