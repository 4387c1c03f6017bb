package dev.tunesmith.trainer.attempt;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/// The environment of a process that finds the emulated GPU: the CUDA kernels compiled for the CPU,
/// whose memory the host cannot see.
public final class EmulatedGpu {
    private static final Path LIBRARY =
            Path.of("../kernels/target/test-classes/native/libtunesmith_cuda_strict.so")
                    .toAbsolutePath()
                    .normalize();

    /// Where the kernels are.
    public static final Map<String, String> KERNELS =
            Map.of("TUNESMITH_CUDA_KERNELS", LIBRARY.toString());

    private EmulatedGpu() {}

    /// The environment of a child that computes on a device and multiplies by the emulated cuBLAS.
    ///
    /// @param room an empty folder
    static Map<String, String> chosen(String device, Path room) throws IOException {
        Path libraries = Files.createDirectories(room);
        Path link = libraries.resolve("libcublas.so.13");
        if (!Files.exists(link)) {
            Files.createSymbolicLink(link, LIBRARY);
        }
        return Map.of(
                "TUNESMITH_CUDA_KERNELS",
                LIBRARY.toString(),
                "TUNESMITH_CUDA_LIBRARIES",
                libraries.toString(),
                "TUNESMITH_DEVICE",
                device);
    }
}
