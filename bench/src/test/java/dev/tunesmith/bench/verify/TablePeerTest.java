package dev.tunesmith.bench.verify;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tunesmith.contracts.dataset.FileKind;
import dev.tunesmith.engine.prepare.RowsWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The `datasets` library and pyarrow read the tables that we write.
@Tag("peers")
class TablePeerTest {

    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir private Path folder;

    @Test
    void tablesHaveTheRowsThatWereWritten() throws Exception {
        List<String> rows =
                List.of(
                        """
                        {"messages":[{"role":"user","content":"é 你 😀"},
                         {"role":"assistant","content":"b","weight":1}],"n":1,"f":0.5,"b":true}
                        """,
                        """
                        {"messages":[],"n":null,"b":false,"more":[[1],[],[2,3]]}
                        """);
        for (FileKind kind : List.of(FileKind.PARQUET, FileKind.ARROW)) {
            try (RowsWriter writer = new RowsWriter(file(kind), kind)) {
                for (String row : rows) {
                    Map<String, Object> tree =
                            JSON.readValue(
                                    row,
                                    JSON.getTypeFactory()
                                            .constructMapType(
                                                    Map.class, String.class, Object.class));
                    assertThat(writer.write(tree)).isEmpty();
                }
            }
        }
        JsonNode read =
                Peers.ask(
                        "check_tables.py",
                        Map.of(
                                "parquet", file(FileKind.PARQUET).toString(),
                                "arrow", file(FileKind.ARROW).toString()));
        JsonNode expected =
                JSON.readTree(
                        """
                        [{"messages":[{"role":"user","content":"é 你 😀","weight":null},
                          {"role":"assistant","content":"b","weight":1}],
                          "n":1,"f":0.5,"b":true,"more":null},
                         {"messages":[],"n":null,"f":null,"b":false,"more":[[1],[],[2,3]]}]
                        """);
        for (String reader : List.of("parquet", "arrow", "plain_parquet", "plain_arrow")) {
            assertThat(read.path(reader)).as(reader).isEqualTo(expected);
        }
    }

    private Path file(FileKind kind) {
        return folder.resolve("rows." + kind.wire());
    }
}
