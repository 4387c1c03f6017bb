package dev.tunesmith.inference.weights;

import dev.tunesmith.contracts.event.ManifestRef;
import dev.tunesmith.contracts.serving.ServingGrant;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.platform.objects.LocalCopies;
import dev.tunesmith.platform.objects.ObjectStore;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;

/// Local copies of stored models. What is in memory is mapped from them, so a copy that was evicted
/// lives on until its model is unloaded.
@Singleton
public final class ModelFolders {
    /// What only training needs of a checkpoint.
    private static final String OPTIMIZER = "optimizer.safetensors";

    private static final Duration IDLE = Duration.ofHours(1);

    private final ObjectStore objects;
    private final Path root;
    private final long bytesMax;

    ModelFolders(ObjectStore objects, ServingSettings settings) {
        this.objects = objects;
        this.root = settings.workDir();
        this.bytesMax = settings.copiesMax().asLongValue();
    }

    /// The folder with the files of a stored model, every byte checked against its manifest.
    Path fetch(ServingGrant.Weights weights) throws IOException, InterruptedException {
        Files.createDirectories(root);
        Path building = Files.createTempDirectory(root, "fetch-");
        try {
            var copies = new LocalCopies(root, building, objects, LocalCopies.Patience.NONE);
            copies.evict(bytesMax, IDLE, Instant.now());
            return copies.folder(
                    new ManifestRef(weights.manifestKey(), weights.manifestSha256()),
                    ModelFolders::isServed);
        } finally {
            LocalCopies.deleteTree(building);
        }
    }

    private static boolean isServed(String name) {
        return ModelDirectory.allows(name) && !name.equals(OPTIMIZER);
    }
}
