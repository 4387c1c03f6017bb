package dev.tunesmith.trainer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WorkspaceTest {
    @TempDir Path folder;

    @Test
    void whatAnEarlierBootLeftIsEndedAndDeleted() throws IOException, InterruptedException {
        Workspace workspace = new Workspace(folder.resolve("attempts"));
        Process left = new ProcessBuilder("sleep", "60").start();
        Path attempt = workspace.folder("attempt-1");
        workspace.note(attempt, left.pid());

        workspace.sweep();

        assertThat(left.waitFor(5, TimeUnit.SECONDS)).isTrue();
        assertThat(Files.exists(attempt)).isFalse();
    }

    @Test
    void aProcessThatOnlyHasTheSameNumberIsLeftAlone() throws IOException {
        Workspace workspace = new Workspace(folder.resolve("attempts"));
        long me = ProcessHandle.current().pid();
        Files.writeString(
                workspace.folder("attempt-1").resolve("process"), me + " 2001-01-01T00:00:00Z");

        workspace.sweep();

        assertThat(ProcessHandle.current().isAlive()).isTrue();
    }
}
