package dev.tunesmith.kernels;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.JarURLConnection;
import java.net.URL;
import java.net.URLConnection;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;

/// The folder where shared libraries from the class path are unpacked so that they can be opened.
///
/// It is `TUNESMITH_NATIVE_DIR` when set, else `~/.cache/tunesmith/native`. Each group of libraries
/// has a sub-folder named after its content, so that two versions never mix and an unpacked group
/// is reused by every later process.
public final class NativeDirectory {
    private final Path root;

    public NativeDirectory(Path root) {
        this.root = root;
    }

    /// The folder that the environment asks for.
    public static NativeDirectory of(Map<String, String> environment) {
        String chosen = environment.get("TUNESMITH_NATIVE_DIR");
        if (chosen != null && !chosen.isBlank()) {
            return new NativeDirectory(Path.of(chosen));
        }
        return new NativeDirectory(
                Path.of(System.getProperty("user.home"), ".cache", "tunesmith", "native"));
    }

    /// Unpacks class-path resources into one folder and returns it; files already there are kept.
    public Path unpack(String group, List<String> resources) {
        try {
            Path folder = root.resolve(group + "-" + fingerprint(resources));
            Files.createDirectories(folder);
            for (String resource : resources) {
                unpack(resource, folder);
            }
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "unpacking native libraries of '%s' under %s; set TUNESMITH_NATIVE_DIR to a writable folder"
                            .formatted(group, root),
                    e);
        }
    }

    private static void unpack(String resource, Path folder) throws IOException {
        URLConnection connection = open(resource);
        Path target = folder.resolve(resource.substring(resource.lastIndexOf('/') + 1));
        long size = connection.getContentLengthLong();
        try (InputStream content = connection.getInputStream()) {
            if (Files.exists(target) && Files.size(target) == size) {
                return;
            }
            // Renamed into place: a second process must never open half a library.
            Path partial = Files.createTempFile(folder, target.getFileName().toString(), ".part");
            Files.copy(content, partial, StandardCopyOption.REPLACE_EXISTING);
            Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
        }
    }

    private static String fingerprint(List<String> resources) throws IOException {
        CRC32 sum = new CRC32();
        for (String resource : resources) {
            sum.update((resource + checksum(resource)).getBytes(StandardCharsets.UTF_8));
        }
        return HexFormat.of().toHexDigits((int) sum.getValue());
    }

    /// The checksum from the jar's directory, so that hundreds of megabytes need not be read.
    private static long checksum(String resource) throws IOException {
        URLConnection connection = open(resource);
        try (InputStream content = connection.getInputStream()) {
            if (connection instanceof JarURLConnection jar) {
                return jar.getJarEntry().getCrc();
            }
            CRC32 sum = new CRC32();
            sum.update(content.readAllBytes());
            return sum.getValue();
        }
    }

    private static URLConnection open(String resource) throws IOException {
        URL url = NativeDirectory.class.getClassLoader().getResource(resource);
        if (url == null) {
            throw new KernelException(
                    KernelException.Code.LIBRARY,
                    "native library '%s' is not on the class path; Linux on x86-64 is needed, and the build must have compiled the module kernels"
                            .formatted(resource));
        }
        return url.openConnection();
    }
}
