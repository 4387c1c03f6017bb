package dev.tunesmith.contracts.dataset;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/// Kinds of files that hold rows.
public enum FileKind {
    JSON_LINES(".jsonl .ndjson"),
    JSON(".json"),
    CSV(".csv"),
    TSV(".tsv"),
    TEXT(".txt"),
    PARQUET(".parquet"),
    ARROW(".arrow .feather .ipc");

    private static final Set<String> COLUMNS =
            Set.of(
                    "instruction",
                    "input",
                    "output",
                    "prompt",
                    "completion",
                    "text",
                    "messages",
                    "conversations",
                    "chosen",
                    "rejected",
                    "question",
                    "answer",
                    "response");

    private static final byte[] PARQUET_MARK = "PAR1".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] ARROW_MARK = "ARROW1".getBytes(StandardCharsets.US_ASCII);

    /// With a blank between them.
    private final String endings;

    FileKind(String endings) {
        this.endings = endings;
    }

    /// The kind of a file by its first bytes, and by its name where those do not tell.
    ///
    /// @param head the first bytes after decompression
    /// @param name without the ending of a compressed file; may be empty
    public static Optional<FileKind> of(byte[] head, String name) {
        if (startsWith(head, PARQUET_MARK)) {
            return Optional.of(PARQUET);
        }
        boolean stream =
                head.length >= 8 && Arrays.equals(head, 0, 4, new byte[] {-1, -1, -1, -1}, 0, 4);
        if (startsWith(head, ARROW_MARK) || stream) {
            return Optional.of(ARROW);
        }
        Optional<FileKind> named = named(name);
        return named.isPresent() && named.get() != PARQUET && named.get() != ARROW
                ? named
                : byText(head);
    }

    private static Optional<FileKind> byText(byte[] head) {
        String text = new String(head, StandardCharsets.UTF_8).strip();
        String start = text.startsWith("\uFEFF") ? text.substring(1).strip() : text;
        if (start.startsWith("{")) {
            return Optional.of(JSON_LINES);
        }
        if (start.startsWith("[")) {
            return Optional.of(JSON);
        }
        return byHeader(start.lines().findFirst().orElse(""));
    }

    /// A first line that names columns of conversations or documents.
    private static Optional<FileKind> byHeader(String line) {
        for (FileKind kind : List.of(CSV, TSV)) {
            List<String> names = List.of(line.replace("\"", "").split(kind == CSV ? "," : "\t"));
            if (names.stream().anyMatch(COLUMNS::contains)
                    && names.stream().allMatch(name -> name.matches("[\\w .-]{1,64}"))) {
                return Optional.of(kind);
            }
        }
        return Optional.empty();
    }

    /// Whether bytes are compressed with gzip or Zstandard.
    public static boolean isCompressed(byte[] head) {
        int first = head.length < 4 ? 0 : (head[0] & 0xFF) << 8 | (head[1] & 0xFF);
        return first == 0x1F8B || first == 0x28B5;
    }

    /// The kind that a name ends with.
    public static Optional<FileKind> named(String name) {
        String lower = name.toLowerCase(Locale.ROOT);
        return Arrays.stream(values())
                .filter(kind -> List.of(kind.endings.split(" ")).stream().anyMatch(lower::endsWith))
                .findFirst();
    }

    @JsonCreator
    public static FileKind of(String wire) {
        return valueOf(wire.toUpperCase(Locale.ROOT));
    }

    @JsonValue
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    private static boolean startsWith(byte[] head, byte[] mark) {
        return head.length >= mark.length
                && Arrays.equals(head, 0, mark.length, mark, 0, mark.length);
    }
}
