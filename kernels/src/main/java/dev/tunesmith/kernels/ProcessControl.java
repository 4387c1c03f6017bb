package dev.tunesmith.kernels;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/// Ties the life of this process to the thread that started it (Linux only).
///
/// The kernel sends the signal when the *thread* that started this process ends, not when the whole
/// parent ends: a parent starts its children from one thread that lives as long as itself.
public final class ProcessControl {

    private static final int PR_SET_PDEATHSIG = 1;
    private static final int SIGKILL = 9;

    private ProcessControl() {}

    /// Asks the kernel to kill this process when the starting thread ends, and tells whether
    /// `parent` is still the parent. If not, it died before the request and this process must end.
    public static boolean diesWith(long parent) {
        setParentDeathSignal();
        return ProcessHandle.current().parent().map(ProcessHandle::pid).orElse(-1L) == parent;
    }

    @SuppressWarnings("restricted")
    private static void setParentDeathSignal() {
        Linker linker = Linker.nativeLinker();
        MemorySegment address = linker.defaultLookup().findOrThrow("prctl");
        MethodHandle prctl =
                linker.downcallHandle(
                        address,
                        FunctionDescriptor.of(
                                ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG),
                        Linker.Option.firstVariadicArg(1));
        int status;
        try {
            status = (int) prctl.invokeExact(PR_SET_PDEATHSIG, (long) SIGKILL);
        } catch (Throwable e) {
            throw new IllegalStateException("prctl could not be called", e);
        }
        if (status != 0) {
            throw new IllegalStateException("prctl(PR_SET_PDEATHSIG) returned " + status);
        }
    }
}
