package dev.tunesmith.trainer.attempt;

import dev.tunesmith.contracts.event.Manifest;
import dev.tunesmith.contracts.event.ManifestRef;
import dev.tunesmith.contracts.id.Attempt;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.objects.ObjectStore;
import dev.tunesmith.platform.objects.ObjectStore.Head;
import dev.tunesmith.platform.objects.ObjectStore.Stored;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Writes folders below the prefix of one attempt, create-only, the manifest last.
///
/// A folder without its manifest does not exist for anybody; what a killed attempt leaves behind is
/// an orphan that the sweeper removes.
final class Artifacts {

    private final ObjectStore objects;
    private final StoragePatience patience;
    private final Origin origin;

    /// What every manifest of an attempt says about where it comes from.
    ///
    /// @param prefix prefix of the job, with a slash at the end
    /// @param inputs hashes of spec, data and base model
    /// @param environment versions and device: equal ones resume bit-exactly
    record Origin(
            TenantId tenant,
            Attempt attempt,
            String prefix,
            Map<String, String> inputs,
            Map<String, String> environment) {}

    /// A folder that is complete in the store.
    record Published(ManifestRef manifest, long bytes) {}

    Artifacts(ObjectStore objects, StoragePatience patience, Origin origin) {
        this.objects = objects;
        this.patience = patience;
        this.origin = origin;
    }

    /// Stores a checkpoint taken after `step` steps.
    ///
    /// @param previousSha256 manifest of the checkpoint before it, null for the first
    Published checkpoint(Path folder, long step, @Nullable String previousSha256)
            throws IOException, InterruptedException {
        String name = "ckpt/%012d-%s/".formatted(step, origin.attempt().suffix());
        return publish(folder, Manifest.Kind.CHECKPOINT, name, step, previousSha256);
    }

    /// Stores the result of the whole run.
    Published result(Path folder, long step) throws IOException, InterruptedException {
        String name = "result/%s/".formatted(origin.attempt().suffix());
        return publish(folder, Manifest.Kind.RESULT, name, step, null);
    }

    private Published publish(
            Path folder,
            Manifest.Kind kind,
            String name,
            long step,
            @Nullable String previousSha256)
            throws IOException, InterruptedException {
        String prefix = origin.prefix() + name;
        List<Manifest.Entry> entries = new ArrayList<>();
        for (Path file : files(folder)) {
            String fileName = file.getFileName().toString();
            entries.add(store(prefix + fileName, fileName, file));
        }
        Manifest manifest =
                new Manifest(
                        Manifest.VERSION,
                        kind,
                        origin.tenant(),
                        origin.attempt(),
                        step,
                        entries,
                        origin.inputs(),
                        origin.environment(),
                        previousSha256);
        String key = prefix + Manifest.FILE_NAME;
        byte[] content = Json.canonical(manifest);
        Stored stored = patience.of("writing " + key, () -> objects.put(key, content));
        return new Published(new ManifestRef(key, stored.sha256()), manifest.bytes());
    }

    private Manifest.Entry store(String key, String name, Path file)
            throws IOException, InterruptedException {
        Stored stored = patience.of("writing " + key, () -> objects.put(key, file));
        Optional<Head> head = patience.of("checking " + key, () -> objects.head(key));
        long bytes = head.map(Head::bytes).orElse(-1L);
        if (bytes != Files.size(file)) {
            throw AttemptFailure.internal(
                    "%s has %d bytes in the store, %d were written"
                            .formatted(key, bytes, Files.size(file)));
        }
        return new Manifest.Entry(name, key, stored.bytes(), stored.sha256());
    }

    private static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.sorted().toList();
        }
    }
}
