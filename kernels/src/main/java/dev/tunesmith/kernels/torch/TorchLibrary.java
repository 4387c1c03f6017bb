package dev.tunesmith.kernels.torch;

import dev.tunesmith.kernels.NativeDirectory;
import dev.tunesmith.kernels.NativeLibrary;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// The libtorch libraries: unpacked from their jars once, opened in the order they need.
///
/// The environment variable `TUNESMITH_TORCH_DIR` names a folder with another build of the same
/// files, to be used instead.
final class TorchLibrary {

    private static final String TORCH = "org/bytedeco/pytorch/linux-x86_64/";
    private static final String OPENBLAS = "org/bytedeco/openblas/linux-x86_64/";

    /// A dependency stands before what needs it.
    private static final List<String> FILES =
            List.of(
                    OPENBLAS + "libgcc_s.so.1",
                    OPENBLAS + "libquadmath.so.0",
                    OPENBLAS + "libgfortran.so.5",
                    OPENBLAS + "libopenblas.so.0",
                    TORCH + "libc10.so",
                    TORCH + "libtorch_cpu.so");

    private TorchLibrary() {}

    /// Opens everything and returns the library that exports the C interface. The OpenMP runtime
    /// comes first, so that libtorch and our own kernels share one team.
    static NativeLibrary open() {
        NativeDirectory cache = NativeDirectory.of(System.getenv());
        NativeLibrary.openMp(cache);
        Path directory =
                Optional.ofNullable(System.getenv("TUNESMITH_TORCH_DIR"))
                        .map(Path::of)
                        .orElseGet(() -> cache.unpack("torch", FILES));
        List<NativeLibrary> libraries =
                FILES.stream()
                        .map(file -> directory.resolve(file.substring(file.lastIndexOf('/') + 1)))
                        .map(NativeLibrary::open)
                        .toList();
        return libraries.getLast();
    }
}
