package dev.tunesmith.engine.rows;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.data.FileInspection;
import dev.tunesmith.contracts.data.RowChecker;
import dev.tunesmith.contracts.data.RowFormat;
import dev.tunesmith.contracts.data.RowSummary;
import dev.tunesmith.contracts.data.RowWork;
import dev.tunesmith.contracts.dataset.FileKind;
import dev.tunesmith.contracts.dataset.UsualRow;
import dev.tunesmith.contracts.inspect.Finding;
import dev.tunesmith.contracts.inspect.FindingKind;
import dev.tunesmith.contracts.mixture.Chunk;
import dev.tunesmith.contracts.twin.RowPrint;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FileScanTest {

    @TempDir private Path folder;
    private Path file;

    @BeforeEach
    void name() {
        file = folder.resolve("rows.jsonl");
    }

    private static String row(String question) {
        return "{\"messages\":[{\"role\":\"user\",\"content\":\"%s\"},{\"role\":\"assistant\",\"content\":\"the answer is what it is and has always been\"}]}\n"
                .formatted(question);
    }

    /// Eight megabytes, so that several threads get pieces.
    private static byte[] many() {
        StringBuilder text = new StringBuilder();
        for (int i = 0; text.length() < 8 << 20; i++) {
            text.append(
                    switch (i % 1000) {
                        case 7 -> "nonsense\n";
                        case 8 -> "\n";
                        case 9 -> row("write to me@example.org");
                        case 10 -> row("question " + (i - 3) / 2);
                        default -> row("question " + i + " " + "x".repeat(i % 300));
                    });
        }
        return text.toString().getBytes(UTF_8);
    }

    @Test
    void severalThreadsFindWhatOneFinds() throws IOException {
        byte[] bytes = many();
        Files.write(file, bytes);
        List<Finding> together = new ArrayList<>();
        List<Finding> alone = new ArrayList<>();

        RowSummary summary = FileScan.of(file, together::add);
        RowChecker checker = new RowChecker(alone::add);
        checker.accept(bytes, 0, bytes.length);

        assertThat(checker.finish()).isEqualTo(summary);
        Comparator<Finding> order =
                Comparator.comparingLong(Finding::line).thenComparing(Finding::kind);
        assertThat(together.stream().sorted(order))
                .containsExactlyElementsOf(alone.stream().sorted(order).toList());
        assertThat(summary.problemCount()).isGreaterThan(20);
        assertThat(summary.problems().getFirst().line()).isEqualTo(8);
    }

    /// Notes the rows of a part, and hands them over when it is its turn.
    private record Handed(List<Long> all, List<Long> part) implements RowWork {

        Handed() {
            this(new ArrayList<>(), new ArrayList<>());
        }

        @Override
        public RowWork following() {
            return new Handed(all, new ArrayList<>());
        }

        @Override
        public UsualRow meant(Map<String, Object> given) {
            return new UsualRow(given, Optional.empty(), Optional.empty());
        }

        @Override
        public void row(
                long number, RowPrint print, Map<String, Object> row, Map<String, Object> usual) {
            part.add(31 * number + print.exact());
        }

        @Override
        public void settle() {
            all.addAll(part);
        }
    }

    private List<Long> handedOver(int threads, int pieceBytes) throws IOException {
        var work = new Handed();
        FileInspection inspection = FileInspection.ofRules();
        RowSummary _ =
                FileScan.of(
                        RowSource.of(file),
                        new FileScan.Plan(
                                FileKind.JSON_LINES,
                                Chunk.LINE,
                                inspection.begin(work),
                                threads,
                                pieceBytes),
                        inspection);
        return work.all;
    }

    @Test
    void rowsAreHandedOverInTheOrderOfTheFileWhateverTheThreads() throws IOException {
        Files.write(file, many());
        List<Long> alone = handedOver(1, 4 << 20);

        assertThat(alone).hasSizeGreaterThan(20_000);
        assertThat(handedOver(3, 100_000)).isEqualTo(alone);
        assertThat(handedOver(8, 20_000)).isEqualTo(alone);
    }

    @Test
    void compressedLinesAreReadLikePlainOnes() throws IOException {
        Files.write(file, many());
        Path packed = folder.resolve("rows.jsonl.gz");
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(packed))) {
            Files.copy(file, out);
        }

        assertThat(FileScan.of(packed, _ -> {})).isEqualTo(FileScan.of(file, _ -> {}));
    }

    @Test
    void aLineThatIsTooLongIsNamedAndTheRestIsRead() throws IOException {
        try (OutputStream out = Files.newOutputStream(file)) {
            out.write(row("first").getBytes(UTF_8));
            byte[] long1 = new byte[20 << 20];
            java.util.Arrays.fill(long1, (byte) 'x');
            out.write(long1);
            out.write("\n".getBytes(UTF_8));
            out.write(row("third").getBytes(UTF_8));
            out.write("oops".getBytes(UTF_8));
        }

        RowSummary summary = FileScan.of(file, _ -> {});

        assertThat(summary.rows()).isEqualTo(4);
        assertThat(summary.problems().get(0).text())
                .startsWith("line 2: the line has 20971520 bytes");
        assertThat(summary.problems().get(1).text()).startsWith("line 4: is not JSON");
        assertThat(summary.problemCount()).isEqualTo(2);
    }

    @Test
    void tablesAreInspectedLikeLines() throws IOException {
        Path table = folder.resolve("rows.csv");
        Files.writeString(
                table, "prompt,completion\nhello,world\nhello,world\ncall +49 30 901820,\"x\"\n");
        List<Finding> found = new ArrayList<>();

        RowSummary summary = FileScan.of(table, found::add);

        assertThat(summary.format()).isEqualTo(RowFormat.COMPLETION);
        assertThat(summary.rows()).isEqualTo(3);
        assertThat(found)
                .extracting(Finding::kind)
                .containsExactlyInAnyOrder(FindingKind.DUPLICATE_ROW, FindingKind.PHONE);
    }

    @Test
    void aDamagedFileSaysSo() throws IOException {
        Path packed = folder.resolve("rows.jsonl.gz");
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(packed))) {
            out.write(many());
        }
        byte[] bytes = Files.readAllBytes(packed);
        Files.write(packed, java.util.Arrays.copyOf(bytes, bytes.length / 2));

        RowSummary summary = FileScan.of(packed, _ -> {});

        assertThat(summary.rows()).isPositive();
        assertThat(summary.ok()).isFalse();
    }

    @Test
    void rowsOfTheValidationFileThatAreTrainedOnAreFound() throws IOException {
        Path other = folder.resolve("validation.jsonl");
        Files.writeString(file, row("one") + row("two"));
        Files.writeString(other, row("three") + row("TWO!"));
        List<Finding> found = new ArrayList<>();
        FileInspection training = new FileInspection(1000, _ -> {});

        FileScan.of(RowSource.of(file), training);
        FileScan.of(RowSource.of(other), training.validation(1000, found::add));

        assertThat(found)
                .containsExactly(
                        new Finding(
                                2,
                                FindingKind.LEAKED_ROW,
                                null,
                                "is also line 2 of the training file"));
    }
}
