package dev.tunesmith.platform.json;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.data.RowChecker;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Whatever stands in a file, its findings are JSON lines of a bounded length.
final class FindingLinesTest {
    private static final int LINE_MAX = 6000;

    private static final byte[] HOSTILE = hostile();

    private static byte[] hostile() {
        var file = new ByteArrayOutputStream();
        for (String row :
                List.of(
                        "{'messages':[{'role':'a\\u0000\\u001b[31m\\ud800','content':'x'}]}",
                        "{'messages':[{'role':'%s\\ud83d\\ude00','content':1}]}"
                                .formatted("x".repeat(38)),
                        "{'messages':[{'rol\\udc00\\u0000\\u2028':1}]}",
                        "{'messages':[{'%s':1}]}".formatted("\\ud83d".repeat(1 << 20)),
                        "{'a\\n\\\"b':NaN}",
                        "{'a':1,'a':2}",
                        "[".repeat(1 << 20),
                        "\0\0\0",
                        "\u001b]0;title\u0007")) {
            file.writeBytes(row.replace('\'', '"').getBytes(UTF_8));
            file.write('\n');
        }
        file.writeBytes(new byte[] {(byte) 0xED, (byte) 0xA0, (byte) 0x80, '\r', '\n', '\r', 'x'});
        return file.toByteArray();
    }

    /// Kills: a writer that fails at half a character, and messages as long as the row.
    @Test
    void everyLineIsJsonHoweverHostileTheFile(@TempDir Path folder) throws IOException {
        Path file = folder.resolve(FindingLines.NAME);
        try (FindingLines lines = FindingLines.of(file)) {
            check(lines, "x\ud800\n\0.jsonl");
        }
        var streamed = new ByteArrayOutputStream();
        try (FindingLines lines = FindingLines.of(streamed)) {
            check(lines, "x\ud800\n\0.jsonl");
        }

        assertThat(Files.readAllBytes(file)).isEqualTo(streamed.toByteArray());
        List<Object> found = new ArrayList<>();
        for (String line : Files.readAllLines(file)) {
            assertThat(line.length()).isLessThan(LINE_MAX);
            assertThat(line.chars()).noneMatch(c -> c < ' ');
            Map<String, Object> tree = Json.tree(line);
            assertThat(tree).containsKeys("file", "line", "kind", "message");
            found.add(tree.get("line"));
        }
        assertThat(found).contains(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
    }

    private static void check(FindingLines lines, String name) {
        RowChecker checker = new RowChecker(lines.of(name));
        checker.accept(HOSTILE, 0, HOSTILE.length);
        assertThat(checker.finish().ok()).isFalse();
    }
}
