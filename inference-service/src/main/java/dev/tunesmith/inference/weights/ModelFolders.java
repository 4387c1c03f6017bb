package dev.tunesmith.inference.weights;

import dev.tunesmith.contracts.event.Manifest;
import dev.tunesmith.contracts.serving.ServingGrant;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.objects.ObjectStore;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/// Local copies of stored models, each in a folder named by the hash of its manifest. A folder is
/// built beside its place and renamed into it: it is absent or whole, and never changes afterwards,
/// because it may be mapped.
@Singleton
public final class ModelFolders {
    private static final long MANIFEST_MAX = 16 << 20;

    private final ObjectStore objects;
    private final Path root;

    ModelFolders(ObjectStore objects, ServingSettings settings) {
        this.objects = objects;
        this.root = settings.workDir();
    }

    /// The folder with the files of a stored model, every byte checked against its manifest.
    ///
    /// @throws IOException when the manifest or a file is not what the grant names
    Path fetch(ServingGrant.Weights weights) throws IOException {
        Path place = root.resolve("models").resolve(weights.manifestSha256());
        if (Files.isDirectory(place)) {
            return place;
        }
        byte[] bytes = objects.get(weights.manifestKey(), MANIFEST_MAX);
        if (!sha256(bytes).equals(weights.manifestSha256())) {
            throw new IOException(
                    "the manifest " + weights.manifestKey() + " is not the one that was published");
        }
        Manifest manifest = Json.read(bytes, Manifest.class);
        Files.createDirectories(root.resolve("models"));
        Path building = Files.createTempDirectory(root, "fetch-");
        try {
            for (Manifest.Entry entry : manifest.objects()) {
                objects.download(
                        new ObjectStore.Stored(entry.key(), entry.bytes(), entry.sha256()),
                        building.resolve(plainName(entry.name())));
            }
            Files.move(building, place, StandardCopyOption.ATOMIC_MOVE);
        } catch (DirectoryNotEmptyException | FileAlreadyExistsException _) {
            // Another request was faster; both copies are equal.
        } finally {
            delete(building);
        }
        return place;
    }

    private static String plainName(String name) throws IOException {
        if (name.isEmpty() || name.startsWith(".") || name.contains("/") || name.contains("\\")) {
            throw new IOException("the manifest names the file '" + name + "'");
        }
        return name;
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    private static void delete(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        List<Path> all;
        try (Stream<Path> walk = Files.walk(folder)) {
            all = walk.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path path : all) {
            Files.delete(path);
        }
    }
}
