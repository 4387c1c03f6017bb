package dev.tunesmith.trainer.attempt;

import dev.tunesmith.platform.objects.ObjectStore;
import dev.tunesmith.platform.objects.ObjectStore.Stored;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;

/// Local copies of immutable objects, named by their hash and shared by all children of a host.
///
/// A copy is built beside its place and renamed into it, so that a place is either absent or whole.
/// Nothing in a place is ever changed: another process may have it mapped.
final class InputCache {

    private final Path root;
    private final Path building;
    private final ObjectStore objects;
    private final StoragePatience patience;

    /// A file of a folder: its name there and the object with its bytes.
    record Member(String name, Stored object) {}

    /// @param building existing folder of this process alone, on the file system of `root`
    InputCache(Path root, Path building, ObjectStore objects, StoragePatience patience) {
        this.root = root;
        this.building = building;
        this.objects = objects;
        this.patience = patience;
    }

    /// A local file with the bytes of `object`; a copy whose hash is wrong is fetched anew.
    Path file(Stored object) throws IOException, InterruptedException {
        Path place = root.resolve("objects").resolve(object.sha256());
        if (Files.exists(place)) {
            if (Digests.sha256(place).equals(object.sha256())) {
                return place;
            }
            Files.delete(place);
        }
        Path room = newRoom();
        try {
            Path copy = room.resolve("object");
            download(object, copy);
            createParent(place);
            Files.move(copy, place, StandardCopyOption.ATOMIC_MOVE);
            return place;
        } finally {
            Room.deleteTree(room);
        }
    }

    /// A local folder with all members, named by the hash of their manifest.
    Path folder(String sha256, List<Member> members) throws IOException, InterruptedException {
        Path place = root.resolve("folders").resolve(sha256);
        if (Files.isDirectory(place)) {
            if (holdsAll(place, members)) {
                return place;
            }
            Room.deleteTree(place);
        }
        Path room = newRoom();
        try {
            Path copy = Files.createDirectory(room.resolve("folder"));
            for (Member member : members) {
                download(member.object(), copy.resolve(plainName(member.name())));
            }
            createParent(place);
            moveUnlessThere(copy, place);
            return place;
        } finally {
            Room.deleteTree(room);
        }
    }

    /// Fetches one member into a folder of the caller's own.
    void copy(Member member, Path folder) throws IOException, InterruptedException {
        download(member.object(), folder.resolve(plainName(member.name())));
    }

    private void download(Stored object, Path target) throws IOException, InterruptedException {
        Path _ =
                patience.of(
                        "reading " + object.key(),
                        () -> {
                            objects.download(object, target);
                            return target;
                        });
    }

    private static boolean holdsAll(Path place, List<Member> members) throws IOException {
        for (Member member : members) {
            Path file = place.resolve(plainName(member.name()));
            if (!Files.isRegularFile(file)
                    || !Digests.sha256(file).equals(member.object().sha256())) {
                return false;
            }
        }
        return true;
    }

    private static String plainName(String name) {
        if (name.isEmpty() || name.startsWith(".") || name.contains("/") || name.contains("\\")) {
            throw AttemptFailure.internal("a manifest names the file '%s'".formatted(name));
        }
        return name;
    }

    /// Two children may build the same folder at once: the first rename wins, both are equal.
    private static void moveUnlessThere(Path copy, Path place) throws IOException {
        try {
            Files.move(copy, place, StandardCopyOption.ATOMIC_MOVE);
        } catch (DirectoryNotEmptyException | FileAlreadyExistsException e) {
            Room.deleteTree(copy);
        }
    }

    private Path newRoom() throws IOException {
        return Files.createTempDirectory(building, "copy-");
    }

    private static void createParent(Path place) throws IOException {
        Path parent = place.getParent();
        if (parent != null) {
            Files.createDirectories(parent);
        }
    }
}
