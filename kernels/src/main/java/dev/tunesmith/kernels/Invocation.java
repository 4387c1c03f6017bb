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

    /// What the function returns.
    public static int status(String function, IntCall call) {
        return (int) number(function, call::run);
    }

    /// What the function returns.
    public static long number(String function, LongCall call) {
        try {
            return call.run();
        } catch (KernelException e) {
            throw e;
        } catch (Throwable e) {
            throw new KernelException(
                    KernelException.Code.CALL, "calling %s failed".formatted(function), e);
        }
    }
}
