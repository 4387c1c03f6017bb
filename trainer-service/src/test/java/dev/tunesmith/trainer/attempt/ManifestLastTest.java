package dev.tunesmith.trainer.attempt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.contracts.event.Manifest;
import dev.tunesmith.contracts.id.Attempt;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.id.Sha256;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.objects.DirectoryObjects;
import dev.tunesmith.platform.objects.ObjectStore;
import dev.tunesmith.trainer.attempt.Artifacts.Origin;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// S2: a writer that is killed at any of its writes leaves no manifest that promises more than
/// there is. The mutant writes the manifest first.
class ManifestLastTest {
    private static final int PARTS = 3;
    private static final long MANIFEST_MAX = 1 << 20;
    private static final Attempt ATTEMPT =
            new Attempt(new JobId(new UUID(1, 2)), 1, new UUID(3, 4));
    private static final Origin ORIGIN =
            new Origin(new TenantId(new UUID(5, 6)), ATTEMPT, "t/a/j/b/", Map.of(), Map.of());

    @TempDir Path folder;
    private Path parts;

    /// Stores a folder as a checkpoint.
    @FunctionalInterface
    private interface Publish {
        void to(ObjectStore objects) throws IOException, InterruptedException;
    }

    @BeforeEach
    void writeParts() throws IOException {
        parts = Files.createDirectory(folder.resolve("parts"));
        for (int i = 0; i < PARTS; i++) {
            Files.writeString(parts.resolve("part-" + i), "bytes of part " + i);
        }
    }

    @Test
    void noKillLeavesAManifestWithoutItsParts() throws Exception {
        assertThat(brokenPromises(this::publish)).isEmpty();
        assertThat(brokenPromises(this::manifestFirst)).isNotEmpty();
    }

    private void publish(ObjectStore objects) throws IOException, InterruptedException {
        var impatient =
                new StoragePatience(Duration.ZERO, new SplittableRandom(1), () -> 0, _ -> {});
        Artifacts.Published _ =
                new Artifacts(objects, impatient, ORIGIN).checkpoint(parts, 10, null);
    }

    private void manifestFirst(ObjectStore objects) throws IOException {
        List<Manifest.Entry> entries = new ArrayList<>();
        for (int i = 0; i < PARTS; i++) {
            byte[] content = Files.readAllBytes(parts.resolve("part-" + i));
            entries.add(
                    new Manifest.Entry(
                            "part-" + i, "t/a/j/b/part-" + i, content.length, Sha256.of(content)));
        }
        objects.put(
                "t/a/j/b/" + Manifest.FILE_NAME,
                Json.canonical(
                        new Manifest(
                                Manifest.VERSION,
                                Manifest.Kind.CHECKPOINT,
                                ORIGIN.tenant(),
                                ATTEMPT,
                                10,
                                entries,
                                Map.of(),
                                Map.of(),
                                null)));
        for (Manifest.Entry entry : entries) {
            objects.put(entry.key(), parts.resolve(entry.name()));
        }
    }

    /// Kills the writer before its first write, before its second, and so on until it is through.
    private List<String> brokenPromises(Publish publish) throws Exception {
        List<String> broken = new ArrayList<>();
        for (int writes = 0; writes <= PARTS; writes++) {
            ObjectStore objects = new DirectoryObjects(Files.createTempDirectory(folder, "store"));
            ObjectStore dying = dyingAfter(writes, objects);
            assertThatThrownBy(() -> publish.to(dying)).hasMessage("killed");
            broken.addAll(brokenPromises(objects));
        }
        ObjectStore whole = new DirectoryObjects(Files.createTempDirectory(folder, "store"));
        publish.to(whole);
        assertThat(whole.list("t/", "", 100)).hasSize(PARTS + 1);
        assertThat(brokenPromises(whole)).isEmpty();
        return broken;
    }

    private static List<String> brokenPromises(ObjectStore objects) {
        return objects.list("t/", "", 100).stream()
                .map(ObjectStore.Head::key)
                .filter(key -> key.endsWith(Manifest.FILE_NAME))
                .map(key -> Json.read(objects.get(key, MANIFEST_MAX), Manifest.class))
                .flatMap(manifest -> manifest.objects().stream())
                .map(Manifest.Entry::key)
                .filter(key -> objects.head(key).isEmpty())
                .toList();
    }

    private static ObjectStore dyingAfter(int writes, ObjectStore objects) {
        var left = new AtomicInteger(writes);
        return (ObjectStore)
                Proxy.newProxyInstance(
                        ObjectStore.class.getClassLoader(),
                        new Class<?>[] {ObjectStore.class},
                        (_, method, arguments) -> {
                            if (method.getName().equals("put") && left.getAndDecrement() <= 0) {
                                throw new IllegalStateException("killed");
                            }
                            try {
                                return method.invoke(objects, arguments);
                            } catch (InvocationTargetException e) {
                                throw e.getCause();
                            }
                        });
    }
}
