package dev.tunesmith.platform.objects;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.contracts.event.Manifest;
import dev.tunesmith.contracts.event.ManifestRef;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.objects.ObjectStore.Stored;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class LocalCopiesTest {
    private static final Duration HOUR = Duration.ofHours(1);

    @TempDir Path folder;
    private DirectoryObjects objects;
    private LocalCopies copies;

    @BeforeEach
    void open() throws IOException {
        objects = new DirectoryObjects(folder.resolve("store"));
        copies =
                new LocalCopies(
                        folder.resolve("cache"),
                        Files.createDirectory(folder.resolve("building")),
                        objects,
                        LocalCopies.Patience.NONE);
    }

    @Test
    void holdsWhatIsWantedOfAManifestAndNothingElse() throws Exception {
        ManifestRef model = publish("m/", "config.json", "optimizer.safetensors");

        Path place = copies.folder(model, name -> name.startsWith("config"));

        assertThat(place)
                .isDirectoryContaining("glob:**config.json")
                .isDirectoryNotContaining("glob:**optimizer*");
        assertThat(copies.folder(model, name -> name.startsWith("config"))).isEqualTo(place);
        assertThat(folder.resolve("building")).isEmptyDirectory();
    }

    @Test
    void aDamagedCopyIsFetchedAnew() throws Exception {
        ManifestRef model = publish("m/", "config.json");
        Path file = copies.folder(model, _ -> true).resolve("config.json");
        Files.writeString(file, "damaged");
        Stored object = objects.put("o", "content".getBytes(UTF_8));
        Files.writeString(copies.file(object), "damaged");

        assertThat(copies.folder(model, _ -> true).resolve("config.json"))
                .hasContent("m/config.json");
        assertThat(copies.file(object)).hasContent("content");
    }

    @Test
    void believesNoManifestThatIsNotTheOneThatWasPublished() {
        ManifestRef model = publish("m/", "config.json");
        var other = new ManifestRef(model.key(), "0".repeat(64));

        assertThatThrownBy(() -> copies.folder(other, _ -> true))
                .isInstanceOf(ObjectStoreException.class)
                .hasMessageContaining("not the one that was published");
        assertThatThrownBy(() -> copies.folder(publish("n/", "../x"), _ -> true))
                .isInstanceOf(ObjectStoreException.class);
    }

    @Test
    void whatWasNotUsedForLongestMakesRoom() throws Exception {
        Path oldest = used(copies.folder(publish("a/", "x"), _ -> true), 3);
        Path older = used(copies.file(objects.put("b", new byte[100])), 2);
        Path fresh = used(copies.folder(publish("c/", "x"), _ -> true), 0);

        copies.evict(1000, HOUR, Instant.now());
        assertThat(oldest).exists();
        copies.evict(104, HOUR, Instant.now());
        assertThat(oldest).doesNotExist();
        assertThat(older).exists();
        copies.evict(0, HOUR, Instant.now());
        assertThat(older).doesNotExist();
        assertThat(fresh).exists();
    }

    private static Path used(Path place, int hoursAgo) throws IOException {
        Instant at = Instant.now().minus(Duration.ofHours(hoursAgo));
        return Files.setLastModifiedTime(place, FileTime.from(at));
    }

    private ManifestRef publish(String prefix, String... names) {
        List<Manifest.Entry> entries = new ArrayList<>();
        for (String name : names) {
            Stored part =
                    objects.put(
                            prefix + name.replace("../", "up-"), (prefix + name).getBytes(UTF_8));
            entries.add(new Manifest.Entry(name, part.key(), part.bytes(), part.sha256()));
        }
        byte[] content = Json.bytes(Manifest.ofModel(null, entries));
        Stored manifest = objects.put(prefix + Manifest.FILE_NAME, content);
        return new ManifestRef(manifest.key(), manifest.sha256());
    }
}
