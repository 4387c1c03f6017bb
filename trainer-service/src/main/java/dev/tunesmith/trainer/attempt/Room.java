package dev.tunesmith.trainer.attempt;

import dev.tunesmith.platform.objects.LocalCopies;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/// The folder of one process: gone with it, or swept by the next one if it was killed.
final class Room implements AutoCloseable {

    private static final String NAME = "child-";

    private final Path path;

    private Room(Path path) {
        this.path = path;
    }

    /// Makes an empty folder for this process below `root`, and removes those of dead ones.
    static Room open(Path root) throws IOException {
        Files.createDirectories(root);
        long self = ProcessHandle.current().pid();
        for (Path room : list(root)) {
            long owner = owner(room);
            if (owner == self || ProcessHandle.of(owner).isEmpty()) {
                LocalCopies.deleteTree(room);
            }
        }
        return new Room(Files.createDirectory(root.resolve(NAME + self)));
    }

    private static List<Path> list(Path root) throws IOException {
        try (Stream<Path> rooms = Files.list(root)) {
            return rooms.toList();
        }
    }

    private static long owner(Path room) {
        String name = room.getFileName().toString();
        boolean ours = name.matches(NAME + "\\d{1,18}");
        return ours ? Long.parseLong(name.substring(NAME.length())) : -1;
    }

    /// An empty folder inside.
    Path folder(String name) throws IOException {
        return Files.createDirectory(path.resolve(name));
    }

    @Override
    public void close() throws IOException {
        LocalCopies.deleteTree(path);
    }
}
