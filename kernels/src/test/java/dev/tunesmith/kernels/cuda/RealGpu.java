package dev.tunesmith.kernels.cuda;

import dev.tunesmith.kernels.Dispatch;
import dev.tunesmith.kernels.KernelException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.Optional;

/// The GPU of this machine for the same tests as the CPU's: their memory is pinned, so that kernels
/// see it, and every operation is waited for.
public final class RealGpu {
    private static final Optional<CudaLibrary> LIBRARY = CudaLibrary.packaged();
    private static final String ABSENCE = absence();

    private RealGpu() {}

    /// Why the kernels cannot run here; empty if they can.
    public static String whyNot() {
        return ABSENCE;
    }

    private static String absence() {
        if (LIBRARY.isEmpty()) {
            return "no CUDA compiler was there when this was built";
        }
        try {
            boolean usable =
                    LIBRARY.orElseThrow().devices().stream().anyMatch(LIBRARY.get()::runsOn);
            return usable ? "" : "no GPU that the kernels are compiled for";
        } catch (KernelException e) {
            return "no GPU: " + e.getMessage();
        }
    }

    /// One stream for all tests.
    private static final class Holder {
        private static final CudaStream STREAM = LIBRARY.orElseThrow().stream(0);
    }

    /// Pinned memory.
    public static long allocate(long bytes) {
        return Holder.STREAM.allocateHost(bytes);
    }

    /// Gives pinned memory back.
    public static void release(long address) {
        Holder.STREAM.releaseHost(address);
    }

    /// Turns all operations to the GPU.
    public static void use() {
        Dispatch.Target target = LIBRARY.orElseThrow().operations(Holder.STREAM.handle());
        Dispatch.use((symbol, signature) -> {
            MethodHandle handle = target.function(symbol, signature);
            return signature.charAt(0) == 'i'
                    ? MethodHandles.filterReturnValue(handle, awaited())
                    : handle;
        });
    }

    private static MethodHandle awaited() {
        try {
            return MethodHandles.lookup()
                    .findStatic(
                            RealGpu.class, "await", MethodType.methodType(int.class, int.class));
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    @SuppressWarnings("UnusedMethod") // by its handle
    private static int await(int status) {
        Holder.STREAM.await();
        return status;
    }
}
