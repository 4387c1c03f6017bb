package dev.tunesmith.trainer.attempt;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.event.ExitCode;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RehearsalTest {
    @TempDir private Path folder;

    @Test
    void goesFromTheInputsToTheStoredResult() throws Exception {
        Path rows = Files.writeString(folder.resolve("rows.jsonl"), TinyJob.rows());
        var reports = new ByteArrayOutputStream();
        try (ParentLink parent = new ParentLink(new PrintStream(reports, true), () -> 0)) {
            int status = Rehearsal.run(TinyJob.model(folder), rows, folder, parent);

            assertThat(reports.toString(StandardCharsets.UTF_8)).contains("\"type\":\"result\"");
            assertThat(status).isEqualTo(ExitCode.FINISHED);
        }
    }
}
