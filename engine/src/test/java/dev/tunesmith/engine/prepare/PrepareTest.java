package dev.tunesmith.engine.prepare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.contracts.dataset.FileKind;
import dev.tunesmith.contracts.mixture.Chunk;
import dev.tunesmith.contracts.mixture.Reading;
import dev.tunesmith.contracts.twin.Likeness;
import dev.tunesmith.engine.data.Packing;
import dev.tunesmith.engine.data.UnusableRowException;
import dev.tunesmith.engine.rows.RowFile;
import dev.tunesmith.engine.rows.RowReader;
import dev.tunesmith.engine.rows.RowSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class PrepareTest {

    @TempDir private Path folder;

    private static Map<String, Object> chat(Object... turns) {
        List<Map<String, Object>> messages = new java.util.ArrayList<>();
        for (int i = 0; i < turns.length; i += 2) {
            messages.add(Map.of("role", turns[i], "content", turns[i + 1]));
        }
        return Map.of("messages", messages);
    }

    @Test
    void lengthsAreCountedByNearestRank() {
        int[] lengths = IntStream.rangeClosed(1, 100).toArray();

        TokenFigures figures = TokenFigures.of(lengths, 7, 90);

        assertThat(figures.length()).isEqualTo(new TokenFigures.Percentiles(50, 90, 99, 100));
        assertThat(figures.cutRows()).isEqualTo(10);
        assertThat(figures.tokens()).isEqualTo(5050);
        assertThat(figures.histogram())
                .containsExactly(
                        new TokenFigures.Bar(0, 16, 15),
                        new TokenFigures.Bar(16, 32, 16),
                        new TokenFigures.Bar(32, 64, 32),
                        new TokenFigures.Bar(64, 128, 37));
        assertThat(TokenFigures.of(new int[0], 0, 90).length().max()).isZero();
    }

    @Test
    void packingSaysHowFullRowsBecome() {
        PackingFigures figures =
                PackingFigures.of(new int[] {60, 40, 70, 30, 150}, 100, Packing.BEST_FIT);

        assertThat(figures.rows()).isEqualTo(3);
        assertThat(figures.fullness()).isEqualTo(1);
        assertThat(figures.unpackedFullness()).isEqualTo(0.6);
        assertThat(figures.documentsPerRowMax()).isEqualTo(2);
        assertThat(figures.cutDocuments()).isEqualTo(1);
    }

    @Test
    void aSplitKeepsRepeatedRowsTogether() throws IOException {
        Path source = folder.resolve("rows.jsonl");
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 200; i++) {
            text.append("{\"text\":\"row ")
                    .append(i % 100)
                    .append(i < 100 ? "" : "!")
                    .append("\"}\n");
        }
        Files.writeString(source, text);
        Path training = folder.resolve("training.jsonl");
        Path validation = folder.resolve("validation.jsonl");

        RowSplit split =
                RowSplit.write(
                        RowSource.of(source),
                        Reading.RECOGNISED,
                        Likeness.NORMALISED,
                        0.1,
                        3,
                        training,
                        validation);

        assertThat(split.groups()).isEqualTo(100);
        assertThat(split.training() + split.validation()).isEqualTo(200);
        assertThat(split.validation()).isBetween(8L, 40L);
        List<String> held = Files.readAllLines(validation);
        for (String line : held) {
            String twin = line.contains("!") ? line.replace("!", "") : line.replace("\"}", "!\"}");
            assertThat(held).contains(twin);
        }
        assertThat(Files.readAllLines(training)).doesNotContainAnyElementsOf(held);
    }

    @ParameterizedTest
    @EnumSource(
            value = FileKind.class,
            names = {"JSON_LINES", "JSON", "CSV", "TSV", "PARQUET", "ARROW"})
    void whatIsWrittenIsReadAgain(FileKind kind) throws IOException {
        Path file = folder.resolve("rows." + kind.name().toLowerCase(java.util.Locale.ROOT));
        Map<String, Object> row = Map.of("prompt", "a \"quoted\",\nline\t", "completion", "b");
        try (RowsWriter writer = new RowsWriter(file, kind)) {
            assertThat(writer.write(row)).isEmpty();
            assertThat(writer.write(row)).isEmpty();
        }

        try (RowReader reader = RowFile.open(RowSource.of(file), kind, Chunk.LINE)) {
            assertThat(reader.next()).contains(row);
            assertThat(reader.next()).contains(row);
            assertThat(reader.next()).isEmpty();
        }
    }

    @Test
    void aTableRefusesRowsWithOtherColumns() throws IOException {
        try (RowsWriter writer = new RowsWriter(folder.resolve("rows.csv"), FileKind.CSV)) {
            writer.write(Map.of("text", "a"));
            assertThat(writer.write(Map.of("other", "a")))
                    .contains("the first row has no column other");
        }
    }

    @Test
    void conversationsTakeAnyShapeAndComeBack() {
        Map<String, Object> row =
                chat(
                        "system",
                        "S",
                        "user",
                        "q1",
                        "assistant",
                        "a1",
                        "user",
                        "q2",
                        "assistant",
                        "a2");

        for (RowShape shape : RowShape.values()) {
            assertThat(RowShape.OPENAI.of(shape.of(row))).as(shape.name()).isEqualTo(row);
        }
        assertThat(RowShape.ALPACA.of(row)).containsEntry("instruction", "q2");
        assertThat(RowShape.SHAREGPT.of(Map.of("prompt", "q", "completion", "a")))
                .containsKey("conversations");
    }

    @Test
    void whatAShapeHasNoPlaceForIsSaid() {
        assertThatThrownBy(
                        () -> RowShape.ALPACA.of(chat("user", "a", "user", "b", "assistant", "c")))
                .isInstanceOf(UnusableRowException.class)
                .hasMessageContaining("questions and answers in turn");
    }
}
