package dev.tunesmith.kernels;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/// What this process asks of the system for itself and its threads (Linux only).
public final class ProcessControl {

    private static final int PR_SET_PDEATHSIG = 1;
    private static final int SIGKILL = 9;
    private static final int PRIO_PROCESS = 0;
    private static final int LITTLE = 10;

    private ProcessControl() {}

    /// Asks the kernel to kill this process when the starting thread ends, and tells whether
    /// `parent` is still the parent. If not, it died before the request and this process must end.
    ///
    /// The signal comes when that *thread* ends, not when the whole parent ends: a parent starts
    /// its children from one thread that lives as long as itself.
    public static boolean diesWith(long parent) {
        setParentDeathSignal();
        return ProcessHandle.current().parent().map(ProcessHandle::pid).orElse(-1L) == parent;
    }

    /// Leaves the processors to other threads where they want them: the calling platform thread
    /// gets a tenth of what each of them gets.
    public static void stepBack() {
        MethodHandle setpriority = function("setpriority", NativeSignature.descriptor("iiii"));
        try {
            // Advice only: a thread that was refused computes as the others do.
            int _ = (int) setpriority.invokeExact(PRIO_PROCESS, 0, LITTLE);
        } catch (Throwable e) {
            throw new IllegalStateException("setpriority could not be called", e);
        }
    }

    @SuppressWarnings("restricted")
    private static MethodHandle function(
            String name, FunctionDescriptor type, Linker.Option... options) {
        Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), type, options);
    }

    private static void setParentDeathSignal() {
        MethodHandle prctl =
                function(
                        "prctl",
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
