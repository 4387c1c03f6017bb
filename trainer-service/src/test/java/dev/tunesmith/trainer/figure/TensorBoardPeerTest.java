package dev.tunesmith.trainer.figure;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tunesmith.contracts.curve.Series;
import dev.tunesmith.platform.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The real TensorBoard, of the environment that `bench/peers/install` makes, reads the event file
/// of a run: the same tags, steps and values.
@Tag("peers")
final class TensorBoardPeerTest {
    private static final int STEPS = 300;

    @TempDir private Path folder;

    @Test
    void findsEveryTagStepAndValue() throws Exception {
        List<Map<String, Object>> lines = lines();
        RunFigures.write(folder, lines);

        Map<String, Object> found = read(folder);

        assertThat(found.keySet())
                .containsExactlyInAnyOrder(
                        "train/loss", "valid/loss", "train/learning_rate", "rewards/margins");
        Map<String, Series> series = Series.of(lines);
        assertThat(found.get("train/loss")).isEqualTo(events(series, "train_loss"));
        assertThat(found.get("valid/loss")).isEqualTo(events(series, "valid_loss"));
        assertThat(found.get("train/learning_rate")).isEqualTo(events(series, "learning_rate"));
        assertThat(found.get("rewards/margins")).isEqualTo(events(series, "rewards/margins"));
    }

    /// Steps that need one, two and three bytes, values of both signs and very small ones.
    private static List<Map<String, Object>> lines() {
        var lines = new ArrayList<Map<String, Object>>();
        for (int i = 1; i <= STEPS; i++) {
            var line = new LinkedHashMap<String, Object>();
            line.put("step", (long) i * 97);
            line.put("train_loss", 2.5 * Math.exp(-i / 80.0) + 0.4);
            line.put("learning_rate", 1e-7 * i);
            line.put("rewards/margins", i / 100.0 - 1);
            if (i % 50 == 0) {
                line.put("valid_loss", 3.0 / i);
            }
            lines.add(line);
        }
        return lines;
    }

    /// Wall time, step and value, as a scalar of single precision reads back.
    private static List<List<Object>> events(Map<String, Series> series, String name) {
        return Objects.requireNonNull(series.get(name), name).points().stream()
                .map(point ->
                        List.<Object>of(
                                (double) point.step(),
                                Math.toIntExact(point.step()),
                                (double) (float) point.value()))
                .toList();
    }

    private static Map<String, Object> read(Path folder) throws IOException, InterruptedException {
        String named = System.getenv("TUNESMITH_PEERS");
        Path program =
                Path.of(named == null ? "../bench/target/peers" : named, "trackers/bin/python");
        assumeTrue(
                Files.isExecutable(program),
                "TensorBoard is not installed: run bench/peers/install, or set TUNESMITH_PEERS");
        Process process =
                new ProcessBuilder(
                                program.toString(),
                                "../bench/peers/read_events.py",
                                folder.toString())
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        String said = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
        return Json.tree(said);
    }
}
