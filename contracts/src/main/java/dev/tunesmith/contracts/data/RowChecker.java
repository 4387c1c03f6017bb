package dev.tunesmith.contracts.data;

import dev.tunesmith.contracts.dataset.UsualRow;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.contracts.problem.Problems;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Checks a JSONL training file while its bytes pass by, in constant memory.
///
/// Lines end with `\n` or `\r\n`, a byte order mark at the start and blank lines are skipped, and
/// every line must be strict UTF-8 and one JSON object of the format of the first row.
public final class RowChecker {
    /// How many problems are kept; all are counted.
    public static final int PROBLEMS_KEPT = 20;

    private static final int LINE_BYTES_MAX = 16 << 20;
    private static final int HASHES_MAX = 1_000_000;
    private static final byte[] BYTE_ORDER_MARK = {(byte) 0xEF, (byte) 0xBB, (byte) 0xBF};

    private final LineParser parser;
    private final Problems problems;
    private final Set<Long> seen = new HashSet<>();
    private final MessageDigest digest = sha256();
    private final ByteArrayOutputStream line = new ByteArrayOutputStream();
    private @Nullable RowFormat format;
    private long firstRow;
    private long number = 1;
    private long lineBytes;
    private long rows;
    private long duplicates;
    private long longestBytes;
    private long bytes;

    /// A checker that keeps the first [#PROBLEMS_KEPT] problems.
    public RowChecker(LineParser parser) {
        this.parser = parser;
        this.problems = new Problems(PROBLEMS_KEPT);
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    /// Looks at the next bytes of the file.
    public void accept(byte[] source, int offset, int length) {
        int start = offset;
        int end = offset + length;
        for (int i = offset; i < end; i++) {
            if (source[i] == '\n') {
                append(source, start, i - start);
                endLine();
                start = i + 1;
            }
        }
        append(source, start, end - start);
        bytes += length;
    }

    private void append(byte[] source, int offset, int length) {
        lineBytes += length;
        if (lineBytes <= LINE_BYTES_MAX) {
            line.write(source, offset, length);
        }
    }

    /// Ends the file.
    public RowSummary finish() {
        if (lineBytes > 0) {
            endLine();
        }
        if (rows == 0) {
            problems.add(
                    new Problem(
                            ProblemCode.INVALID_TRAINING_FILE,
                            null,
                            bytes == 0 ? "the file is empty" : "the file has no rows",
                            null,
                            null));
        }
        return new RowSummary(
                format, rows, duplicates, longestBytes, problems.count(), problems.kept());
    }

    private void endLine() {
        if (lineBytes > LINE_BYTES_MAX) {
            rows++;
            problem(
                    "the line has %d bytes, at most %d are read"
                            .formatted(lineBytes, LINE_BYTES_MAX));
        } else {
            decoded(content()).filter(text -> !text.isBlank()).ifPresent(this::row);
        }
        longestBytes = Math.max(longestBytes, lineBytes);
        line.reset();
        lineBytes = 0;
        number++;
    }

    /// The bytes of the line without the byte order mark and the carriage return.
    private ByteBuffer content() {
        byte[] all = line.toByteArray();
        int start = number == 1 && startsWithMark(all) ? BYTE_ORDER_MARK.length : 0;
        int end = all.length > start && all[all.length - 1] == '\r' ? all.length - 1 : all.length;
        return ByteBuffer.wrap(all, start, end - start);
    }

    private static boolean startsWithMark(byte[] bytes) {
        return bytes.length >= 3
                && bytes[0] == BYTE_ORDER_MARK[0]
                && bytes[1] == BYTE_ORDER_MARK[1]
                && bytes[2] == BYTE_ORDER_MARK[2];
    }

    private Optional<String> decoded(ByteBuffer content) {
        int size = content.remaining();
        try {
            return Optional.of(
                    StandardCharsets.UTF_8
                            .newDecoder()
                            .onMalformedInput(CodingErrorAction.REPORT)
                            .onUnmappableCharacter(CodingErrorAction.REPORT)
                            .decode(content)
                            .toString());
        } catch (CharacterCodingException _) {
            rows++;
            problem(
                    "is not UTF-8: wrong byte at place %d of the line"
                            .formatted(size - content.remaining() + 1));
            return Optional.empty();
        }
    }

    private void row(String text) {
        rows++;
        Object tree;
        try {
            tree = parser.parse(text);
        } catch (MalformedLineException e) {
            problem("is not JSON: " + e.reason());
            return;
        }
        if (tree instanceof Map<?, ?> map) {
            check(asRow(map));
        } else {
            problem("expected a JSON object");
        }
        countTwin(text);
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> asRow(Map<?, ?> map) {
        return (Map<String, Object>) map;
    }

    private void check(Map<String, Object> given) {
        UsualRow usual = UsualRow.of(given);
        if (usual.problem().isPresent()) {
            problem(usual.problem().get());
            return;
        }
        Map<String, Object> row = usual.row();
        Optional<RowFormat> found = RowFormat.of(row);
        if (found.isEmpty()) {
            problem(
                    "expected the key messages (chat), prompt (completion), text, preferred_output"
                            + " or chosen (preference), instruction (alpaca) or conversations"
                            + " (sharegpt)");
            return;
        }
        if (format == null) {
            format = found.get();
            firstRow = number;
        }
        if (found.get() != format) {
            problem(
                    "is a row of format %s, but line %d is of format %s"
                            .formatted(found.get().wire(), firstRow, format.wire()));
            return;
        }
        var rules = new RowRules(number);
        rules.row(format, row);
        rules.found().forEach(problems::add);
    }

    /// Counts a row that occurred before; of very large files only the first million is compared.
    private void countTwin(String text) {
        byte[] hash = digest.digest(text.getBytes(StandardCharsets.UTF_8));
        long key = ByteBuffer.wrap(hash).getLong();
        if (seen.contains(key)) {
            duplicates++;
        } else if (seen.size() < HASHES_MAX) {
            seen.add(key);
        }
    }

    private void problem(String message) {
        problems.add(Problem.ofLine(number, null, message));
    }
}
