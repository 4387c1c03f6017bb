package dev.tunesmith.standalone.supervise;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LayoutTest {
    @TempDir private Path home;

    @Test
    void startsTheJarUnlessClassesAreNewer() throws IOException {
        Path target = Files.createDirectories(home.resolve("part/target"));
        Path compiled = Files.createDirectory(target.resolve("classes")).resolve("Main.class");
        Files.writeString(compiled, "");
        Files.writeString(target.resolve("classpath"), "/libraries/one.jar");
        assertThat(classPath()).isEqualTo(target.resolve("classes") + ":/libraries/one.jar");

        Files.writeString(target.resolve("part-0.1.0-tests.jar"), "");
        Path jar = Files.writeString(target.resolve("part-0.1.0.jar"), "");
        changed(jar, 3);
        assertThat(classPath()).isEqualTo(jar + ":/libraries/one.jar");

        changed(compiled, 4);
        assertThat(classPath()).isEqualTo(target.resolve("classes") + ":/libraries/one.jar");
    }

    private String classPath() {
        List<String> command = new Layout(home).main("part", "Main", "64m", List.of());
        return command.get(command.indexOf("-cp") + 1);
    }

    /// Hours from now, since folders change on their own.
    private static void changed(Path file, int hours) throws IOException {
        Files.setLastModifiedTime(file, FileTime.from(Instant.now().plusSeconds(3600L * hours)));
    }
}
