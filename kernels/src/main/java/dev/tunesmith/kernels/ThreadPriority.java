package dev.tunesmith.kernels;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/// How much of the processors a thread gets beside others (Linux only).
public final class ThreadPriority {

    private static final int PRIO_PROCESS = 0;

    /// A tenth of the weight of a usual thread: enough to get on, and hardly felt.
    private static final int LOW = 10;

    private ThreadPriority() {}

    /// Lets the others go first from now on, and so do threads that this one starts. There is no
    /// way back, so the thread must be one of the caller's own. A system that refuses this leaves
    /// everything as it was.
    @SuppressWarnings("restricted")
    public static void lower() {
        Linker linker = Linker.nativeLinker();
        MethodHandle setpriority =
                linker.downcallHandle(
                        linker.defaultLookup().findOrThrow("setpriority"),
                        FunctionDescriptor.of(
                                ValueLayout.JAVA_INT,
                                ValueLayout.JAVA_INT,
                                ValueLayout.JAVA_INT,
                                ValueLayout.JAVA_INT));
        try {
            int _ = (int) setpriority.invokeExact(PRIO_PROCESS, 0, LOW);
        } catch (Throwable e) {
            throw new IllegalStateException("setpriority could not be called", e);
        }
    }
}
