package dev.tunesmith.kernels.cpu;

import dev.tunesmith.kernels.Dispatch;
import dev.tunesmith.kernels.NativeLibrary;
import dev.tunesmith.kernels.NativeSignature;
import java.lang.invoke.MethodHandle;
import java.net.URL;
import java.nio.file.Path;

/// The CPU kernels whose tile instructions functions do, see `src/test/c/emulated_tiles.h`.
final class EmulatedTiles {
    private static final NativeLibrary RIGHT = open("libtunesmith_cpu_tiles.so");

    private EmulatedTiles() {}

    /// Whether this machine has what goes with tiles: AVX512_BF16.
    static boolean works() {
        return level(RIGHT) == CpuLevel.AMX.code();
    }

    /// Turns all operations to them.
    static void use() {
        use(RIGHT);
    }

    /// The same library with a mistake in its tiles.
    static void useMutant() {
        use(open("libtunesmith_cpu_tiles_mutant.so"));
    }

    private static void use(NativeLibrary library) {
        Dispatch.use((symbol, signature) ->
                library.function(symbol, NativeSignature.descriptor(signature)));
    }

    private static int level(NativeLibrary library) {
        MethodHandle level = library.function("ts_cpu_level", NativeSignature.descriptor("i"));
        try {
            return (int) level.invokeExact();
        } catch (Throwable e) {
            throw new IllegalStateException("the emulated library failed", e);
        }
    }

    private static NativeLibrary open(String name) {
        URL url = EmulatedTiles.class.getResource("/native/" + name);
        if (url == null) {
            throw new IllegalStateException("the build has not compiled src/test/c");
        }
        return NativeLibrary.open(Path.of(url.getPath()));
    }
}
