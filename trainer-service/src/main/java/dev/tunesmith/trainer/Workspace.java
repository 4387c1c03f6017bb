package dev.tunesmith.trainer;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The folders of running children, one each, with a note of the process in it. What an earlier
/// boot left is ended and deleted at the start.
record Workspace(Path root) {
    private static final Logger log = LoggerFactory.getLogger(Workspace.class);
    private static final String PROCESS = "process";

    Path folder(String name) throws IOException {
        return Files.createDirectories(root.resolve(name));
    }

    /// Notes the process, so that a later boot can tell it from another one with the same number.
    void note(Path folder, long pid) throws IOException {
        Optional<Instant> started =
                ProcessHandle.of(pid).flatMap(handle -> handle.info().startInstant());
        if (started.isPresent()) {
            Files.writeString(folder.resolve(PROCESS), pid + " " + started.get());
        }
    }

    /// Children die with their parent; this catches one that could not.
    void sweep() throws IOException {
        Files.createDirectories(root);
        try (Stream<Path> folders = Files.list(root)) {
            for (Path folder : folders.toList()) {
                Path note = folder.resolve(PROCESS);
                if (Files.exists(note)) {
                    end(Files.readString(note).strip().split(" ", -1));
                }
                delete(folder);
            }
        }
    }

    private static void end(String[] note) {
        ProcessHandle.of(Long.parseLong(note[0]))
                .filter(handle ->
                        handle.info()
                                .startInstant()
                                .map(Instant::toString)
                                .equals(Optional.of(note[1])))
                .ifPresent(handle -> {
                    log.warn("child {} of an earlier boot still lives, killed", note[0]);
                    handle.destroyForcibly();
                });
    }

    void delete(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            List<Path> deepestFirst = files.sorted(Comparator.reverseOrder()).toList();
            for (Path file : deepestFirst) {
                Files.deleteIfExists(file);
            }
        } catch (IOException | UncheckedIOException e) {
            log.warn("{} was not deleted: {}", folder, e.getMessage());
        }
    }
}
