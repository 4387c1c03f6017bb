package dev.tunesmith.bench.verify;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/// A folder that is deleted with everything in it after use.
final class TemporaryFolder {

    private TemporaryFolder() {}

    /// What is done with the folder.
    @FunctionalInterface
    interface Work {
        void run(Path folder) throws IOException;
    }

    static void with(Work work) {
        try {
            Path folder = Files.createTempDirectory("tunesmith-verify-");
            try {
                work.run(folder);
            } finally {
                delete(folder);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("files of a golden case", e);
        }
    }

    private static void delete(Path folder) throws IOException {
        List<Path> all;
        try (Stream<Path> files = Files.walk(folder)) {
            all = files.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path file : all) {
            Files.delete(file);
        }
    }
}
