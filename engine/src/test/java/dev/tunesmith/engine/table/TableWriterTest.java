package dev.tunesmith.engine.table;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.dataset.FileKind;
import dev.tunesmith.engine.data.JsonLines;
import dev.tunesmith.engine.rows.RowFile;
import dev.tunesmith.engine.rows.RowReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TableWriterTest {

    @TempDir Path folder;

    private List<Map<String, @Nullable Object>> written(FileKind kind, List<String> rows)
            throws IOException {
        Path file = folder.resolve("rows." + kind.wire());
        try (TableWriter writer = new TableWriter(file, kind)) {
            for (String row : rows) {
                assertThat(writer.write(JsonLines.parse(row))).isEmpty();
            }
        }
        assertThat(folder).isDirectoryNotContaining("glob:**.rows");
        List<Map<String, @Nullable Object>> read = new ArrayList<>();
        try (RowReader reader = RowFile.open(file)) {
            for (Optional<Map<String, @Nullable Object>> row = reader.next();
                    row.isPresent();
                    row = reader.next()) {
                read.add(row.get());
            }
        }
        return read;
    }

    @ParameterizedTest
    @EnumSource(
            value = FileKind.class,
            names = {"PARQUET", "ARROW"})
    void nestedRowsComeBackWithWhatTheyLackAsNull(FileKind kind) throws IOException {
        List<Map<String, @Nullable Object>> read =
                written(
                        kind,
                        List.of(
                                "{\"m\":[{\"role\":\"user\",\"content\":\"é你\"},{\"role\":\"a\",\"weight\":0}],\"d\":[[1],[],[2,3]]}",
                                "{\"m\":[],\"n\":1.5,\"d\":null,\"b\":true}",
                                "{\"m\":null,\"n\":2,\"b\":false,\"l\":[\"x\",null]}"));

        assertThat(read).hasSize(3);
        assertThat(read.getFirst().get("m"))
                .hasToString(
                        "[{role=user, content=é你, weight=null}, {role=a, content=null, weight=0}]");
        assertThat(read.getFirst().get("d")).hasToString("[[1], [], [2, 3]]");
        assertThat(read.get(1)).containsEntry("n", 1.5).containsEntry("b", true);
        assertThat(read.get(1)).containsEntry("m", List.of()).containsEntry("d", null);
        assertThat(read.get(2)).containsEntry("n", 2.0).containsEntry("m", null);
        assertThat(read.get(2).get("l")).hasToString("[x, null]");
    }

    @ParameterizedTest
    @EnumSource(
            value = FileKind.class,
            names = {"PARQUET", "ARROW"})
    void manyRowsAreSeveralBatches(FileKind kind) throws IOException {
        List<String> rows = new ArrayList<>();
        for (int i = 0; i < 25_001; i++) {
            rows.add("{\"i\":%d,\"odd\":%b}".formatted(i, i % 2 == 1));
        }
        List<Map<String, @Nullable Object>> read = written(kind, rows);
        assertThat(read).hasSize(rows.size());
        assertThat(read.getLast()).containsEntry("i", 25_000L).containsEntry("odd", false);
    }

    @Test
    void valuesThatHaveNothingInCommonAreText() throws IOException {
        List<Map<String, @Nullable Object>> read =
                written(
                        FileKind.PARQUET,
                        List.of("{\"a\":\"x\",\"b\":{}}", "{\"a\":[1],\"b\":{}}", "{\"a\":true}"));
        assertThat(read).extracting(row -> row.get("a")).containsExactly("x", "[1]", "true");
        assertThat(read.getFirst()).containsEntry("b", "{}");
    }

    @Test
    void aTableHasSoManyColumnsAndNoMore() throws IOException {
        try (TableWriter writer = new TableWriter(folder.resolve("a.parquet"), FileKind.PARQUET)) {
            Map<String, Object> wide = new HashMap<>();
            for (int i = 0; i < 4096; i++) {
                wide.put("c" + i, i);
            }
            assertThat(writer.write(wide)).isEmpty();
            assertThat(writer.write(Map.of("one more", 1)))
                    .contains("a table has at most 4096 columns");
        }
    }
}
