package dev.tunesmith.engine.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.tunesmith.engine.io.ModelFileException;
import dev.tunesmith.engine.io.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PackedRowsTest {

    private static final int NO = TokenBatch.NOT_TRAINED;

    @TempDir Path folder;

    @Test
    void aPackedRowKeepsItsDocumentsApart() throws IOException {
        Path file = folder.resolve("train.tokens");
        TokenShard.write(
                file,
                List.of(
                        new Sample(new int[] {1, 2, 3}, new float[] {0, 0, 1}),
                        new Sample(new int[] {7}, new float[] {1}),
                        new Sample(new int[] {4, 5}, new float[] {0, 0.5f})),
                Map.of("rows", "3"));

        try (TokenShard shard = TokenShard.open(file)) {
            PackedRows rows = PackedRows.of(shard, Packing.BEST_FIT, 5);
            assertThat(rows.size()).isEqualTo(2);
            assertThat(rows.efficiency()).isEqualTo(0.6);
            TokenBatch batch = rows.batch(0, 1);
            assertThat(batch.ids_N()).containsExactly(1, 2, 3, 4, 5, 7);
            assertThat(batch.positions_N()).containsExactly(0, 1, 2, 0, 1, 0);
            assertThat(batch.cuSeqlens_D1()).containsExactly(0, 3, 5, 6);
            assertThat(batch.labels_N()).containsExactly(NO, 3, NO, 5, NO, NO);
            assertThat(batch.weights_N()).containsExactly(0, 1, 0, 0.5f, 0, 0);
            assertThat(batch.trainedTokens()).isEqualTo(2);
            assertThat(batch.weightSum()).isEqualTo(1.5);
            assertThat(batch.longestDocument()).isEqualTo(3);
            assertThat(shard.origin()).containsEntry("rows", "3");
        }
    }

    @Test
    void theSameSamplesGiveTheSameBytes() throws IOException {
        List<Sample> samples = List.of(Sample.allTrained(new int[] {1, 2}));
        TokenShard.write(folder.resolve("a"), samples, Map.of());
        TokenShard.write(folder.resolve("b"), samples, Map.of());

        assertThat(Files.readAllBytes(folder.resolve("a")))
                .isEqualTo(Files.readAllBytes(folder.resolve("b")));
    }

    @Test
    void refusesAnotherKindOfFile() throws IOException {
        Path file = folder.resolve("x");
        new SafetensorsWriter(Map.of()).write(file);

        assertThatExceptionOfType(ModelFileException.class)
                .isThrownBy(() -> TokenShard.open(file))
                .withMessageContaining("not a token shard");
    }
}
