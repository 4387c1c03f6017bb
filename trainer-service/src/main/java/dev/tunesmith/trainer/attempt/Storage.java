package dev.tunesmith.trainer.attempt;

import dev.tunesmith.contracts.event.Control;
import dev.tunesmith.contracts.event.Manifest;
import dev.tunesmith.contracts.event.ManifestRef;
import dev.tunesmith.contracts.event.ModelSource;
import dev.tunesmith.contracts.event.ObjectRef;
import dev.tunesmith.contracts.id.Attempt;
import dev.tunesmith.contracts.id.Sha256;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.engine.corpus.ShardStore;
import dev.tunesmith.engine.rows.RowSource;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.objects.LocalCopies;
import dev.tunesmith.platform.objects.ObjectStore;
import dev.tunesmith.platform.objects.ObjectStore.Stored;
import dev.tunesmith.platform.objects.ObjectStoreException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;

/// What an attempt reads from the object store and where it writes to.
final class Storage {

    private final ObjectStore objects;
    private final StoragePatience patience;
    private final LocalCopies copies;

    /// @param cacheRoot shared by all children of a host
    Storage(ObjectStore objects, StoragePatience patience, Path cacheRoot, Path building) {
        this.objects = objects;
        this.patience = patience;
        this.copies = new LocalCopies(cacheRoot, building, objects, patience);
    }

    /// Makes room for what this attempt reads, at the expense of what none has read for an hour.
    void makeRoom(long bytesMax) throws IOException {
        copies.evict(bytesMax, Duration.ofHours(1), Instant.now());
    }

    /// A file of rows, which is read from the store, under the name that its owner gave it.
    RowSource rows(ObjectRef object) {
        return new ObjectRows(
                new Stored(object.key(), object.bytes(), object.sha256()),
                name(object),
                objects,
                copies,
                patience);
    }

    /// What its owner calls an object, as a name in a folder.
    static Path name(ObjectRef object) {
        String name =
                Objects.requireNonNullElse(object.name(), object.sha256())
                        .replace('/', '_')
                        .replace('\0', '_');
        return Path.of(name.isBlank() ? object.sha256() : name);
    }

    /// A local copy of a model's folder.
    Path model(ModelSource model) throws IOException, InterruptedException {
        try {
            return copies.folder(model.manifest(), _ -> true);
        } catch (ObjectStoreException e) {
            throw AttemptFailure.baseModel(model.name(), e);
        }
    }

    /// A local copy of the adapter with which training goes on, if it does.
    Optional<Path> adapter(ModelSource model) throws IOException, InterruptedException {
        ManifestRef adapter = model.adapter();
        if (adapter == null) {
            return Optional.empty();
        }
        try {
            return Optional.of(copies.folder(adapter, _ -> true));
        } catch (ObjectStoreException e) {
            throw AttemptFailure.baseModel(model.name(), e);
        }
    }

    /// Copies a checkpoint into an empty folder.
    ///
    /// @throws ObjectStoreException when it is not what its manifest promises
    Path checkpoint(ManifestRef reference, Path folder) throws IOException, InterruptedException {
        copies.fill(reference, folder);
        return folder;
    }

    /// Stores a file under a new key.
    Manifest.Entry put(String key, String name, Path file)
            throws IOException, InterruptedException {
        Stored stored = patience.of("writing " + key, () -> objects.put(key, file));
        return new Manifest.Entry(name, key, stored.bytes(), stored.sha256());
    }

    /// The tokens that were made of a tenant's files.
    ShardStore tokens(TenantId tenant) {
        return new TokenCache(objects, copies, patience, tenant);
    }

    /// The writer of an attempt's checkpoints and of its result.
    Artifacts artifacts(Attempt attempt, Control.Work work, Map<String, String> environment) {
        Map<String, String> inputs = new TreeMap<>();
        inputs.put("spec", Sha256.of(Json.canonical(work.spec())));
        inputs.put("base", work.base().manifest().sha256());
        ManifestRef adapter = work.base().adapter();
        if (adapter != null) {
            inputs.put("adapter", adapter.sha256());
        }
        inputs.put("training", work.training().sha256());
        for (int i = 0; i < work.others().size(); i++) {
            inputs.put("training.%d".formatted(i + 1), work.others().get(i).sha256());
        }
        if (work.validation() != null) {
            inputs.put("validation", work.validation().sha256());
        }
        return new Artifacts(
                objects,
                patience,
                new Artifacts.Origin(work.tenant(), attempt, work.prefix(), inputs, environment));
    }
}
