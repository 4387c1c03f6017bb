package dev.tunesmith.platform.objects;

import dev.tunesmith.contracts.event.Manifest;
import dev.tunesmith.contracts.event.ManifestRef;
import dev.tunesmith.contracts.id.Sha256;
import dev.tunesmith.platform.objects.ObjectStore.Stored;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;

/// Local copies of immutable objects, named by their hash and shared by all processes that know the
/// folder.
///
/// A copy is built beside its place and renamed into it, so that a place is either absent or whole.
/// Nothing in a place is ever changed: another process may have it mapped. A copy whose bytes are
/// wrong is fetched anew.
public final class LocalCopies {
    private final Path root;
    private final Path building;
    private final ObjectStore objects;
    private final Patience patience;

    /// One use of the object store.
    @FunctionalInterface
    public interface Call<T> {
        T run() throws IOException;
    }

    /// How long a use of the store that fails is repeated.
    @FunctionalInterface
    public interface Patience {
        /// Never.
        Patience NONE =
                new Patience() {
                    @Override
                    public <T> T of(String what, Call<T> call) throws IOException {
                        return call.run();
                    }
                };

        /// The result of the call, perhaps after several tries.
        ///
        /// @param what names the call in a failure
        <T> T of(String what, Call<T> call) throws IOException, InterruptedException;
    }

    /// @param building existing folder of this process alone, on the file system of `root`
    public LocalCopies(Path root, Path building, ObjectStore objects, Patience patience) {
        this.root = root;
        this.building = building;
        this.objects = objects;
        this.patience = patience;
    }

    /// A local file with the bytes of `object`.
    public Path file(Stored object) throws IOException {
        Path place = root.resolve("objects").resolve(object.sha256());
        if (Files.exists(place)) {
            if (holds(place, object.sha256())) {
                return used(place);
            }
            Files.delete(place);
        }
        Path room = Files.createTempDirectory(building, "copy-");
        try {
            Path copy = room.resolve("object");
            download(object, copy);
            createParent(place);
            Files.move(copy, place, StandardCopyOption.ATOMIC_MOVE);
            return place;
        } finally {
            deleteTree(room);
        }
    }

    /// A local folder with the objects of a manifest, named by the hash of the manifest.
    ///
    /// @param wanted names of the objects that the folder is to hold; always the same for one root
    /// @throws ObjectStoreException with `CORRUPT` when manifest or objects are not what was
    ///   published
    public Path folder(ManifestRef reference, Predicate<String> wanted)
            throws IOException, InterruptedException {
        List<Manifest.Entry> members =
                manifest(reference).objects().stream()
                        .filter(entry -> wanted.test(entry.name()))
                        .toList();
        Path place = root.resolve("folders").resolve(reference.sha256());
        if (Files.isDirectory(place)) {
            if (holdsAll(place, members)) {
                return used(place);
            }
            deleteTree(place);
        }
        Path room = Files.createTempDirectory(building, "copy-");
        try {
            Path copy = Files.createDirectory(room.resolve("folder"));
            download(members, copy);
            createParent(place);
            moveUnlessThere(copy, place);
            return place;
        } finally {
            deleteTree(room);
        }
    }

    /// Fetches all objects of a manifest into a folder of the caller's own.
    public void fill(ManifestRef reference, Path folder) throws IOException, InterruptedException {
        download(manifest(reference).objects(), folder);
    }

    private Manifest manifest(ManifestRef reference) throws IOException, InterruptedException {
        return patience.of(
                "reading " + reference.key(), () -> PublishedManifest.read(objects, reference));
    }

    private void download(List<Manifest.Entry> members, Path folder) throws IOException {
        for (Manifest.Entry member : members) {
            download(stored(member), folder.resolve(plainName(member)));
        }
    }

    private static Stored stored(Manifest.Entry member) {
        return new Stored(member.key(), member.bytes(), member.sha256());
    }

    private void download(Stored object, Path target) throws IOException {
        Downloads.copy(objects, object, target, patience);
    }

    private static boolean holdsAll(Path place, List<Manifest.Entry> members) throws IOException {
        for (Manifest.Entry member : members) {
            Path file = place.resolve(plainName(member));
            if (!Files.isRegularFile(file) || !holds(file, member.sha256())) {
                return false;
            }
        }
        return true;
    }

    private static boolean holds(Path file, String sha256) throws IOException {
        try (InputStream content = Files.newInputStream(file)) {
            return Sha256.of(content).equals(sha256);
        }
    }

    private static String plainName(Manifest.Entry member) {
        String name = member.name();
        if (name.isEmpty() || name.startsWith(".") || name.contains("/") || name.contains("\\")) {
            throw corrupt(member.key(), "its manifest names it '%s'".formatted(name));
        }
        return name;
    }

    private static ObjectStoreException corrupt(String key, String message) {
        return new ObjectStoreException(ObjectStoreException.Code.CORRUPT, key, message, null);
    }

    /// Two processes may build the same folder at once: the first rename wins, both are equal.
    private static void moveUnlessThere(Path copy, Path place) throws IOException {
        try {
            Files.move(copy, place, StandardCopyOption.ATOMIC_MOVE);
        } catch (DirectoryNotEmptyException | FileAlreadyExistsException _) {
            deleteTree(copy);
        }
    }

    private static void createParent(Path place) throws IOException {
        Path parent = place.getParent();
        if (parent != null) {
            Files.createDirectories(parent);
        }
    }

    private static Path used(Path place) throws IOException {
        Files.setLastModifiedTime(place, FileTime.from(Instant.now()));
        return place;
    }

    private record Copy(Path place, long bytes, Instant usedAt) {}

    /// Removes the copies that were not used for longest until all together have at most
    /// `bytesMax`. What was used within `idle` stays: somebody may be about to open it.
    public void evict(long bytesMax, Duration idle, Instant now) throws IOException {
        List<Copy> copies = new ArrayList<>(copies("objects"));
        copies.addAll(copies("folders"));
        copies.sort(Comparator.comparing(Copy::usedAt));
        long total = copies.stream().mapToLong(Copy::bytes).sum();
        for (Copy copy : copies) {
            if (total <= bytesMax || copy.usedAt().isAfter(now.minus(idle))) {
                return;
            }
            deleteTree(copy.place());
            total -= copy.bytes();
        }
    }

    private List<Copy> copies(String kind) throws IOException {
        Path folder = root.resolve(kind);
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        List<Copy> copies = new ArrayList<>();
        try (Stream<Path> places = Files.list(folder)) {
            for (Path place : places.toList()) {
                Instant usedAt = Files.getLastModifiedTime(place).toInstant();
                copies.add(new Copy(place, bytes(place), usedAt));
            }
        }
        return copies;
    }

    private static long bytes(Path place) throws IOException {
        long bytes = 0;
        try (Stream<Path> files = Files.walk(place)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                bytes += Files.size(file);
            }
        }
        return bytes;
    }

    /// Deletes a file or a folder with all that is in it; an absent one is no error.
    public static void deleteTree(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> paths = Files.walk(folder)) {
            paths.sorted(Comparator.reverseOrder()).forEach(LocalCopies::deleteOne);
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private static void deleteOne(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
