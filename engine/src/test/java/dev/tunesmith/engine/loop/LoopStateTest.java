package dev.tunesmith.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.loop.DataOrder.Cursor;
import dev.tunesmith.engine.loop.care.Best;
import dev.tunesmith.engine.loop.care.Watch;
import dev.tunesmith.engine.loop.rate.Plateau;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LoopStateTest {

    private static final LoopState STATE =
            new LoopState(
                    5,
                    new Cursor(-1L, 2, 12),
                    40,
                    1L << 40,
                    4,
                    new Plateau(1e-3, 0.1 + 0.7, 2, 1),
                    new MetricsTable(
                            List.of(
                                    new MetricsTable.Row(0, null, null, 5.25, 0.0),
                                    new MetricsTable.Row(1, 0.1 + 0.2, 1.0 / 3, null, null))),
                    new Watch(List.of(1.5, 0.1 + 0.2), 9, 1, 2),
                    new Best(0.1 + 0.2, 4, 1));

    @Test
    void survivesAJsonFileExactly(@TempDir Path folder) throws Exception {
        Path file = folder.resolve("state.json");
        JsonTree.write(file, STATE.tree());

        assertThat(LoopState.of(JsonTree.read(file))).isEqualTo(STATE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"step", "seed", "epoch", "row", "draws", "trained_tokens", "metrics"})
    void refusesAStateWithAHole(String missing) {
        Map<String, Object> tree = new TreeMap<>(STATE.tree());
        tree.remove(missing);

        assertThatThrownBy(() -> LoopState.of(tree)).hasMessageContaining(missing);
    }

    @Test
    void writesTheColumnsOfResultFiles() {
        assertThat(STATE.metrics().csv())
                .isEqualTo(
                        """
                        step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy
                        0,,,5.250000,0.000000
                        1,0.300000,0.333333,,
                        """);
    }
}
