package dev.tunesmith.kernels.torch;

import dev.tunesmith.kernels.NativeDirectory;
import dev.tunesmith.kernels.NativeLibrary;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The libtorch libraries: unpacked from their jars once, opened in the order they need.
///
/// `TUNESMITH_TORCH_DIR` names a folder with another build of the same files, to be used instead.
/// `TUNESMITH_LIBTORCH` names the `lib` folder of an installed PyTorch for CUDA: where it has
/// kernels for devices, all of libtorch is taken from there, because two builds in one process end
/// it.
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

    private static final String FOLDER_SETTING = "TUNESMITH_TORCH_DIR";
    private static final String WHEEL_SETTING = "TUNESMITH_LIBTORCH";
    static final String DEVICE_FILE = "libtorch_cuda.so";

    private TorchLibrary() {}

    /// The folder of a libtorch for CUDA, where the environment names one.
    static Optional<Path> forDevices(Map<String, String> environment) {
        return Optional.ofNullable(environment.get(WHEEL_SETTING))
                .map(Path::of)
                .filter(folder -> Files.exists(folder.resolve(DEVICE_FILE)));
    }

    /// Opens everything and returns the library that exports the C interface. The OpenMP runtime
    /// comes first, so that libtorch and our own kernels share one team.
    static NativeLibrary open() {
        Map<String, String> environment = System.getenv();
        NativeDirectory cache = NativeDirectory.of(environment);
        NativeLibrary.openMp(cache);
        Optional<Path> wheel = forDevices(environment);
        Path directory =
                wheel.or(() -> Optional.ofNullable(environment.get(FOLDER_SETTING)).map(Path::of))
                        .orElseGet(() -> cache.unpack("torch", FILES));
        List<NativeLibrary> libraries =
                FILES.stream()
                        // A wheel brings its linear algebra inside.
                        .filter(file -> wheel.isEmpty() || file.startsWith(TORCH))
                        .map(file -> directory.resolve(file.substring(file.lastIndexOf('/') + 1)))
                        .map(NativeLibrary::open)
                        .toList();
        return libraries.getLast();
    }
}
