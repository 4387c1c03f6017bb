package dev.tunesmith.engine.rows;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.contracts.tool.Json;
import io.airlift.compress.v3.zstd.ZstdOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.assertj.core.api.Assertions;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class RowFileTest {

    private static final Path GOLDEN = Path.of("src/test/resources/rows");

    @TempDir private Path folder;

    private static List<String> rows(Path file) throws IOException {
        List<String> rows = new ArrayList<>();
        try (RowReader reader = RowFile.open(file)) {
            Optional<Map<String, @Nullable Object>> row = reader.next();
            while (row.isPresent()) {
                rows.add(Json.line(row.get()));
                row = reader.next();
            }
        }
        return rows;
    }

    private Path file(String name, String content) throws IOException {
        return Files.writeString(folder.resolve(name), content);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "nested-zstd.parquet",
                "nested-snappy.parquet",
                "nested-lz4.arrow",
                "nested-plain.arrow",
                "nested.jsonl"
            })
    void nestedRowsAreTheSameInEveryKind(String name) throws IOException {
        assertThat(rows(GOLDEN.resolve(name)))
                .isEqualTo(Files.readAllLines(GOLDEN.resolve("nested.jsonl")));
    }

    @Test
    void aJsonArrayIsReadObjectByObject() throws IOException {
        assertThat(rows(file("a.json", "\uFEFF[{\"a\": 1},\r\n {\"a\": [null]}]")))
                .containsExactly("{\"a\": 1}", "{\"a\": [null]}");
    }

    @Test
    void fieldsOfCsvAreTextAndMayHoldLineFeedsAndQuotes() throws IOException {
        assertThat(rows(file("a.csv", "\uFEFFa,b\r\n1,\"x \"\"y\"\",\nz\"\r\n,2\r\n")))
                .containsExactly(
                        "{\"a\": \"1\", \"b\": \"x \\\"y\\\",\\nz\"}",
                        "{\"a\": null, \"b\": \"2\"}");
    }

    @Test
    void eachLineOfATextThatIsNotBlankIsADocument() throws IOException {
        assertThat(rows(file("a.txt", "one\r\n\n two")))
                .containsExactly("{\"text\": \"one\"}", "{\"text\": \" two\"}");
    }

    @Test
    void compressedFilesAreOpenedByTheirBytes() throws IOException {
        Path file = folder.resolve("a.jsonl.gz");
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
            out.write("{\"a\": 1}\n".getBytes(StandardCharsets.UTF_8));
        }
        assertThat(rows(file)).containsExactly("{\"a\": 1}");
    }

    private Path packed(String name, byte[] content, boolean gzip) throws IOException {
        Path file = folder.resolve(name + (gzip ? ".gz" : ".zst"));
        try (OutputStream out = Files.newOutputStream(file);
                OutputStream packing =
                        gzip ? new GZIPOutputStream(out) : new ZstdOutputStream(out)) {
            packing.write(content);
        }
        return file;
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void everyKindMayBeCompressed(boolean gzip) throws IOException {
        List<String> nested = Files.readAllLines(GOLDEN.resolve("nested.jsonl"));
        for (String name :
                List.of(
                        "nested.jsonl",
                        "nested-zstd.parquet",
                        "nested-snappy.parquet",
                        "nested-lz4.arrow",
                        "nested-plain.arrow")) {
            byte[] content = Files.readAllBytes(GOLDEN.resolve(name));
            assertThat(rows(packed(name, content, gzip))).as(name).isEqualTo(nested);
        }
        Map<String, String> texts =
                Map.of(
                        "a.json", "[{\"text\": \"x, y\"}]",
                        "a.csv", "text\n\"x, y\"\n",
                        "a.tsv", "text\nx, y\n",
                        "a.txt", "x, y\n");
        for (Map.Entry<String, String> text : texts.entrySet()) {
            byte[] content = text.getValue().getBytes(StandardCharsets.UTF_8);
            assertThat(rows(packed(text.getKey(), content, gzip)))
                    .as(text.getKey())
                    .containsExactly("{\"text\": \"x, y\"}");
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aCompressedTableGrowsWithinItsBounds(boolean gzip) throws IOException {
        byte[] zeros = new byte[40 << 20];
        byte[] mark = "PAR1".getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(mark, 0, zeros, 0, mark.length);
        Path bomb = packed("bomb.parquet", zeros, gzip);
        assertThatThrownBy(() -> rows(bomb))
                .isInstanceOf(RowFileException.class)
                .hasMessageStartingWith(bomb.getFileName().toString())
                .hasMessageContaining("decompresses to more than");

        Path half = folder.resolve("half");
        Path whole = GOLDEN.resolve("nested-zstd.parquet");
        Path small = packed("small.parquet", Files.readAllBytes(whole), gzip);
        assertThatThrownBy(() -> Unpacked.unpack(RowSource.of(small), half, 100))
                .isInstanceOf(RowFileException.class)
                .hasMessageContaining("decompresses to more than 100 bytes");
    }

    @Test
    void aBombIsDefused() throws IOException {
        Path file = folder.resolve("bomb.txt.gz");
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
            byte[] zeros = new byte[1 << 20];
            for (int i = 0; i < 40; i++) {
                out.write(zeros);
            }
        }
        assertThatThrownBy(() -> rows(file)).isInstanceOf(RowFileException.class);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    a.json  | [1, 2]             | expected an object
                    a.json  | [{"a": 1}, {"a"    | not JSON
                    a.jsonl | {"a": 1, "a": 2}   | Duplicate field
                    a.csv   | a,a                | same name
                    a.csv   | a,b;1              | 1 fields
                    a.csv   | a;"x               | inside quotes
                    a.md    | # words            | neither its name
                    a.bin   | PAR1               | too short
                    a.bin   | PAR1xxxxxxxxPAR1   | Parquet
                    """)
    void aDamagedFileSaysWhatIsWrong(String name, String content, String reason)
            throws IOException {
        Path file = file(name, content.replace(';', '\n'));
        assertThatThrownBy(() -> rows(file))
                .isInstanceOf(RowFileException.class)
                .hasMessageContaining(reason);
    }

    @Test
    void nestingIsBounded() throws IOException {
        Path file = file("a.jsonl", "{\"a\":".repeat(100_000));
        assertThatThrownBy(() -> rows(file)).isInstanceOf(RowFileException.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "nested-zstd.parquet",
                "nested-snappy.parquet",
                "nested-lz4.arrow",
                "nested-plain.arrow",
                "nested.jsonl"
            })
    void anyDamageEndsInANamedErrorOrInRows(String name) throws IOException {
        byte[] whole = Files.readAllBytes(GOLDEN.resolve(name));
        Random random = new Random(11);
        Path file = folder.resolve(name);
        Assertions.assertThat(mutants(whole, random, file)).isLessThan(Duration.ofSeconds(30));
    }

    private static Duration mutants(byte[] whole, Random random, Path file) throws IOException {
        long begin = System.nanoTime();
        for (int i = 0; i < 60; i++) {
            byte[] mutant = whole.clone();
            for (int m = random.nextInt(4); m >= 0; m--) {
                mutant[random.nextInt(mutant.length)] = (byte) random.nextInt(256);
            }
            if (i % 5 == 0) {
                mutant = java.util.Arrays.copyOf(mutant, random.nextInt(mutant.length));
            }
            Files.write(file, mutant);
            try {
                rows(file);
            } catch (RowFileException _) {
                // The named error that is wanted.
            }
        }
        return Duration.ofNanos(System.nanoTime() - begin);
    }
}
