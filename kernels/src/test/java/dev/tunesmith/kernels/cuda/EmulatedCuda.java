package dev.tunesmith.kernels.cuda;

import dev.tunesmith.kernels.NativeLibrary;
import dev.tunesmith.kernels.NativeSignature;
import java.lang.invoke.MethodHandle;
import java.net.URL;
import java.nio.file.Path;

/// The CUDA kernels compiled for the CPU, see `src/test/cuda/emulated.h`.
public final class EmulatedCuda {
    private static final Path FILE = file("libtunesmith_cuda_emulated.so");
    private static final CudaLibrary LIBRARY = CudaLibrary.open(FILE);
    private static final MethodHandle ORDER = own("ts_emulated_order");
    private static final MethodHandle BARRIERS = own("ts_emulated_barriers");
    private static final MethodHandle STRICT = own("ts_emulated_strict");
    private static final CudaStream STREAM = LIBRARY.stream(0);

    private EmulatedCuda() {}

    /// Turns all operations to the emulated device.
    ///
    /// @param backwards the order in which threads of a block are taken
    public static void use(boolean backwards) {
        call(ORDER, backwards ? 1 : 0);
        STREAM.use();
    }

    /// The opened library.
    public static CudaLibrary library() {
        return LIBRARY;
    }

    /// The same library with a mistake in it.
    static CudaLibrary mutant() {
        return CudaLibrary.open(file("libtunesmith_cuda_mutant.so"));
    }

    /// Whether barriers wait.
    static void barriers(boolean wait) {
        call(BARRIERS, wait ? 1 : 0);
    }

    /// Whether the host is kept from device memory, and work waits until somebody awaits it.
    public static void strict(boolean strict) {
        call(STRICT, strict ? 1 : 0);
    }

    private static MethodHandle own(String symbol) {
        return NativeLibrary.open(FILE).function(symbol, NativeSignature.descriptor("ii"));
    }

    private static void call(MethodHandle handle, int value) {
        try {
            int _ = (int) handle.invokeExact(value);
        } catch (Throwable e) {
            throw new IllegalStateException("the emulated library failed", e);
        }
    }

    private static Path file(String name) {
        URL url = EmulatedCuda.class.getResource("/native/" + name);
        if (url == null) {
            throw new IllegalStateException("the build has not compiled src/test/cuda");
        }
        return Path.of(url.getPath());
    }
}
