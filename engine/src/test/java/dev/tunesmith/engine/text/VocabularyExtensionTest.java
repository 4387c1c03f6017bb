package dev.tunesmith.engine.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.ModelFileException;
import dev.tunesmith.engine.io.SafetensorsWriter;
import dev.tunesmith.engine.io.WeightFiles;
import dev.tunesmith.engine.text.vocabulary.VocabularyExtension;
import dev.tunesmith.engine.text.vocabulary.VocabularyExtension.Result;
import dev.tunesmith.engine.text.vocabulary.VocabularyExtension.Wanted;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class VocabularyExtensionTest {
    private static final Path NANO = Path.of("..", "examples", "nano", "model");
    private static final String TABLE = "model.embed_tokens.weight";

    @TempDir private Path folder;

    @Test
    void newTokensHaveIdsBehindTheOthersAndTheMeanOfAllRows() throws IOException {
        ModelDirectory before = ModelDirectory.open(NANO);
        Result result =
                VocabularyExtension.write(
                        before, folder, new Wanted(List.of("<tool>", "</tool>"), true, 64));

        assertThat(result.rows()).isEqualTo(2112);
        assertThat(result.ids())
                .containsExactly(Map.entry("<tool>", 2048), Map.entry("</tool>", 2049));
        ModelDirectory after = ModelDirectory.open(folder);
        assertThat(after.config()).containsEntry("vocab_size", 2112);
        assertThat(after.chatTemplate()).isEqualTo(before.chatTemplate());
        try (WeightFiles old = before.openWeights();
                WeightFiles grown = after.openWeights()) {
            assertThat(grown.names()).isEqualTo(old.names());
            float[] rows = old.floats(TABLE);
            float[] all = grown.floats(TABLE);
            int width = rows.length / 2048;
            assertThat(java.util.Arrays.copyOf(all, rows.length)).isEqualTo(rows);
            double sum = 0;
            for (int row = 0; row < 2048; row++) {
                sum += rows[row * width + 5];
            }
            for (int row = 2048; row < 2112; row++) {
                assertThat((double) all[row * width + 5]).isCloseTo(sum / 2048, within(1e-4));
            }
        }
    }

    /// Kills: an added token that the tokenizer parses out of text of a user.
    @Test
    void theGrownTokenizerKnowsThem() throws IOException {
        VocabularyExtension.write(
                ModelDirectory.open(NANO), folder, new Wanted(List.of("<tool>"), true, 1));
        try (Tokenizer old = Tokenizer.open(NANO.resolve("tokenizer.json"));
                Tokenizer grown = Tokenizer.open(folder.resolve("tokenizer.json"))) {
            assertThat(grown.encode("a<tool>b", SpecialText.PARSED)).contains(2048);
            assertThat(grown.encode("a<tool>b", SpecialText.USER))
                    .isEqualTo(old.encode("a<tool>b", SpecialText.USER));
            assertThat(grown.decode(new int[] {2048}, false)).isEqualTo("<tool>");
            assertThat(grown.isSpecial(2048)).isTrue();
        }
    }

    /// Kills: rows of a padded table that stay as they were, often zero, though a token has them.
    @Test
    void rowsToSpareAreUsedFirst() throws IOException {
        Path padded = Files.createDirectory(folder.resolve("padded"));
        Path grown = Files.createDirectory(folder.resolve("grown"));
        JsonTree.write(padded.resolve("config.json"), Map.of("vocab_size", 8));
        JsonTree.write(
                padded.resolve("tokenizer.json"),
                Map.of(
                        "added_tokens",
                        List.of(),
                        "model",
                        Map.of(
                                "type",
                                "BPE",
                                "vocab",
                                Map.of("a", 0, "b", 1),
                                "merges",
                                List.of())));
        float[] values = new float[16];
        values[0] = 1;
        values[2] = 3;
        new SafetensorsWriter(Map.of())
                .add("lm_head.weight", List.of(8L, 2L), values)
                .add("other", List.of(2L), new float[2])
                .write(padded.resolve("model.safetensors"));

        Result result =
                VocabularyExtension.write(
                        ModelDirectory.open(padded),
                        grown,
                        new Wanted(List.of("c", "a"), false, 1));

        assertThat(result).isEqualTo(new Result(Map.of("c", 2), 8));
        try (WeightFiles weights = ModelDirectory.open(grown).openWeights()) {
            assertThat(weights.floats("lm_head.weight", 4, 2)).containsExactly(2, 0);
        }
    }

    @Test
    void aModelWhoseTablesCannotGrowIsRefused() throws IOException {
        Path model = Files.createDirectory(folder.resolve("model"));
        Path grown = Files.createDirectory(folder.resolve("grown"));
        Files.copy(NANO.resolve("tokenizer.json"), model.resolve("tokenizer.json"));
        new SafetensorsWriter(Map.of())
                .add("x", List.of(2L), new float[2])
                .write(model.resolve("model.safetensors"));
        JsonTree.write(model.resolve("config.json"), Map.of("vocab_size", 2048));
        Wanted wanted = new Wanted(List.of("x<"), true, 1);
        assertThatThrownBy(
                        () -> VocabularyExtension.write(ModelDirectory.open(model), grown, wanted))
                .isInstanceOf(ModelFileException.class)
                .hasMessageContaining("no table of 2048 rows");
        JsonTree.write(model.resolve("config.json"), Map.of("vocab_size", 5));
        assertThatThrownBy(
                        () -> VocabularyExtension.write(ModelDirectory.open(model), grown, wanted))
                .isInstanceOf(ModelFileException.class)
                .hasMessageContaining("vocab_size 5");
        assertThatThrownBy(() -> new Wanted(List.of(" "), true, 1))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
