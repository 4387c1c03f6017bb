package dev.tunesmith.platform.objects;

import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

final class DirectoryObjectsTest extends ObjectStoreConformance {
    private ObjectStore store;

    @BeforeEach
    void open(@TempDir Path folder) {
        store = new DirectoryObjects(folder);
    }

    @Override
    ObjectStore store() {
        return store;
    }
}
