package dev.tunesmith.trainer.attempt;

import dev.tunesmith.engine.rows.BlockStream;
import dev.tunesmith.engine.rows.RowSource;
import dev.tunesmith.platform.objects.LocalCopies;
import dev.tunesmith.platform.objects.ObjectStore;
import dev.tunesmith.platform.objects.ObjectStore.Stored;
import dev.tunesmith.platform.objects.ObjectStoreException;
import dev.tunesmith.platform.objects.RangedStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;

/// A file of rows in the object store, read from there: nothing of it lies on this machine unless a
/// reader has to jump in it.
final class ObjectRows implements RowSource {

    private final Stored object;
    private final Path name;
    private final ObjectStore objects;
    private final LocalCopies copies;
    private final StoragePatience patience;

    /// @param name what the file is called, which may tell its kind
    ObjectRows(
            Stored object,
            Path name,
            ObjectStore objects,
            LocalCopies copies,
            StoragePatience patience) {
        this.object = object;
        this.name = name;
        this.objects = objects;
        this.copies = copies;
        this.patience = patience;
    }

    @Override
    public Path name() {
        return name;
    }

    @Override
    public boolean exists() {
        return true;
    }

    @Override
    public long bytes() {
        return object.bytes();
    }

    @Override
    public InputStream open() {
        return new BlockStream(new RangedStream(objects, object, patience), ObjectRows::fetched);
    }

    /// Says to whom the file belongs what became of it.
    private static int fetched(InputStream source, byte[] target, int offset, int length)
            throws IOException {
        try {
            return source.read(target, offset, length);
        } catch (ObjectStoreException e) {
            throw lost(e);
        }
    }

    @Override
    public String sha256() {
        return object.sha256();
    }

    @Override
    public Path local() throws IOException {
        try {
            return copies.file(object);
        } catch (ObjectStoreException e) {
            throw lost(e);
        }
    }

    private static AttemptFailure lost(ObjectStoreException e) {
        return AttemptFailure.trainingData(e.getMessage() + "; upload the file again", e);
    }
}
