package dev.tunesmith.trainer.attempt;

import dev.tunesmith.contracts.event.Control;
import dev.tunesmith.contracts.event.Manifest;
import dev.tunesmith.contracts.event.ManifestRef;
import dev.tunesmith.contracts.event.ModelSource;
import dev.tunesmith.contracts.event.ObjectRef;
import dev.tunesmith.contracts.id.Attempt;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.objects.ObjectStore;
import dev.tunesmith.platform.objects.ObjectStore.Stored;
import dev.tunesmith.platform.objects.ObjectStoreException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// What an attempt reads from the object store and where it writes to.
final class Storage {

    private static final long MANIFEST_BYTES_MAX = 8L << 20;

    private final ObjectStore objects;
    private final StoragePatience patience;
    private final InputCache cache;

    /// @param cacheRoot shared by all children of a host
    Storage(ObjectStore objects, StoragePatience patience, Path cacheRoot, Path building) {
        this.objects = objects;
        this.patience = patience;
        this.cache = new InputCache(cacheRoot, building, objects, patience);
    }

    /// A local copy of one object.
    Path file(ObjectRef object) throws IOException, InterruptedException {
        try {
            return cache.file(new Stored(object.key(), object.bytes(), object.sha256()));
        } catch (ObjectStoreException e) {
            throw AttemptFailure.trainingData(e.getMessage() + "; upload the file again", e);
        }
    }

    /// A local copy of a model's folder.
    Path model(ModelSource model) throws IOException, InterruptedException {
        try {
            List<InputCache.Member> members = members(manifest(model.manifest()));
            return cache.folder(model.manifest().sha256(), members);
        } catch (ObjectStoreException e) {
            throw AttemptFailure.baseModel(model.name(), e);
        }
    }

    /// Copies a checkpoint into an empty folder.
    ///
    /// @throws ObjectStoreException when it is not what its manifest promises
    Path checkpoint(ManifestRef reference, Path folder) throws IOException, InterruptedException {
        for (InputCache.Member member : members(manifest(reference))) {
            cache.copy(member, folder);
        }
        return folder;
    }

    private Manifest manifest(ManifestRef reference) throws IOException, InterruptedException {
        byte[] content =
                patience.of(
                        "reading " + reference.key(),
                        () -> objects.get(reference.key(), MANIFEST_BYTES_MAX));
        String found = Digests.sha256(content);
        if (!found.equals(reference.sha256())) {
            throw new ObjectStoreException(
                    ObjectStoreException.Code.CORRUPT,
                    reference.key(),
                    "SHA-256 is %s, expected %s".formatted(found, reference.sha256()),
                    null);
        }
        return Json.read(content, Manifest.class);
    }

    private static List<InputCache.Member> members(Manifest manifest) {
        return manifest.objects().stream()
                .map(entry ->
                        new InputCache.Member(
                                entry.name(),
                                new Stored(entry.key(), entry.bytes(), entry.sha256())))
                .toList();
    }

    /// The writer of an attempt's checkpoints and of its result.
    Artifacts artifacts(Attempt attempt, Control.Work work, Map<String, String> environment) {
        Map<String, String> inputs = new TreeMap<>();
        inputs.put("spec", Digests.sha256(Json.canonical(work.spec())));
        inputs.put("base", work.base().manifest().sha256());
        inputs.put("training", work.training().sha256());
        if (work.validation() != null) {
            inputs.put("validation", work.validation().sha256());
        }
        return new Artifacts(
                objects,
                patience,
                new Artifacts.Origin(work.tenant(), attempt, work.prefix(), inputs, environment));
    }
}
