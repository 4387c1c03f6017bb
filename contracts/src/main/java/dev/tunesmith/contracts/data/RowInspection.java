package dev.tunesmith.contracts.data;

import dev.tunesmith.contracts.dataset.UsualRow;
import dev.tunesmith.contracts.inspect.Finding;
import dev.tunesmith.contracts.inspect.FindingKind;
import dev.tunesmith.contracts.inspect.Findings;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.contracts.problem.Problems;
import dev.tunesmith.contracts.twin.RowPrint;
import dev.tunesmith.contracts.twin.WordSketch;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Everything that is known about the rows of a part of a file after one look at each of them.
///
/// Parts of a file may be inspected at the same time, each by its own inspection, and are put
/// together in the order of the file by [FileInspection].
public final class RowInspection {

    /// How many problems are kept; all are counted.
    public static final int PROBLEMS_KEPT = 20;

    /// How long a line may be.
    public static final int LINE_BYTES_MAX = 16 << 20;

    private static final int FINDINGS_KEPT = 100_000;
    private static final byte[] BYTE_ORDER_MARK = {(byte) 0xEF, (byte) 0xBB, (byte) 0xBF};

    final Problems problems = new Problems(PROBLEMS_KEPT);
    final Findings findings = new Findings(FINDINGS_KEPT);
    final RowTexts texts = new RowTexts();
    private final StrictJson parser = new StrictJson();
    private @Nullable RowFormat format;
    private long firstRow;
    private long rows;
    private long bytes;
    private long longestBytes;
    private RowPrint[] prints = new RowPrint[64];
    private long[] lines = new long[64];
    private final Depth depth;
    private final @Nullable RowWork work;
    private int[][] sketches;
    private int printed;

    /// How closely rows are looked at.
    enum Depth {
        /// Whether they can be trained on.
        RULES,
        /// And what is noteworthy about what they say, repeated rows among it.
        TEXTS,
        /// And which of them say nearly the same.
        NEARNESS
    }

    /// An inspection of the beginning of a file, whose first row decides about the format.
    public RowInspection() {
        this(Depth.TEXTS, null);
    }

    /// @param work gets every row that can be trained on
    RowInspection(Depth depth, @Nullable RowWork work) {
        this.depth = depth;
        this.work = work;
        this.sketches = new int[near() ? 64 : 0][];
    }

    private boolean near() {
        return depth == Depth.NEARNESS;
    }

    /// An inspection of what follows: rows have to be of the same format.
    public RowInspection following() {
        RowInspection next = new RowInspection(depth, work == null ? null : work.following());
        next.format = format;
        next.firstRow = firstRow;
        return next;
    }

    /// The format of the rows so far; empty if none was readable.
    public Optional<RowFormat> format() {
        return Optional.ofNullable(format);
    }

    /// Looks at whole lines.
    ///
    /// @param number of the first of them
    /// @return how many they were
    public int lines(byte[] source, int from, int to, long number) {
        int count = 0;
        int begin = from;
        for (int i = from; i < to; i++) {
            if (source[i] == '\n') {
                line(source, begin, i, number + count++);
                begin = i + 1;
            }
        }
        if (begin < to) {
            line(source, begin, to, number + count++);
        }
        return count;
    }

    /// Looks at a line without its end. Blank lines are no rows.
    public void line(byte[] source, int from, int to, long number) {
        int length = to - from;
        if (length > LINE_BYTES_MAX) {
            tooLong(number, length);
            return;
        }
        longestBytes = Math.max(longestBytes, length);
        int begin = number == 1 && startsWithMark(source, from, to) ? from + 3 : from;
        int end = to > begin && source[to - 1] == '\r' ? to - 1 : to;
        if (isBlank(source, begin, end)) {
            return;
        }
        rows++;
        bytes += end - begin;
        try {
            Object tree = parser.read(source, begin, end);
            if (tree instanceof Map<?, ?> map) {
                row(asRow(map), number);
            } else {
                problem(number, "expected a JSON object");
            }
        } catch (MalformedLineException e) {
            int wrong = wrongByte(source, begin, end);
            problem(
                    number,
                    wrong >= 0
                            ? "is not UTF-8: wrong byte at place %d of the line"
                                    .formatted(wrong + 1)
                            : "is not JSON: " + e.reason());
        }
    }

    /// Counts a line that is too long to be looked at.
    public void tooLong(long number, long lineBytes) {
        longestBytes = Math.max(longestBytes, lineBytes);
        rows++;
        bytes += lineBytes;
        problem(
                number,
                "the line has %d bytes, at most %d are read".formatted(lineBytes, LINE_BYTES_MAX));
    }

    /// Looks at a row of a file that has no lines of JSON.
    ///
    /// @param number of the row, from 1
    public void tree(Map<String, ? extends @Nullable Object> row, long number) {
        rows++;
        long before = texts.characters();
        row(asRow(row), number);
        bytes += texts.characters() - before;
    }

    /// Says that a file cannot be read any further.
    public void unreadable(long number, String reason) {
        problem(number, reason);
    }

    private static boolean isBlank(byte[] source, int from, int to) {
        int i = from;
        while (i < to && (source[i] == ' ' || source[i] == '\t' || source[i] == '\r')) {
            i++;
        }
        return i == to;
    }

    private static boolean startsWithMark(byte[] source, int from, int to) {
        return Arrays.equals(source, from, Math.min(from + 3, to), BYTE_ORDER_MARK, 0, 3);
    }

    /// Where a line stops to be UTF-8; -1 if it is.
    private static int wrongByte(byte[] source, int from, int to) {
        ByteBuffer line = ByteBuffer.wrap(source, from, to - from);
        try {
            StandardCharsets.UTF_8
                    .newDecoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .onUnmappableCharacter(CodingErrorAction.REPORT)
                    .decode(line);
            return -1;
        } catch (CharacterCodingException _) {
            return line.position() - from;
        }
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> asRow(Map<?, ?> map) {
        return (Map<String, Object>) map;
    }

    /// Hands over what the work made of the rows. Parts are settled in the order of the file.
    public void settle() throws IOException {
        if (work != null) {
            work.settle();
        }
    }

    private void row(Map<String, Object> given, long number) {
        if (work == null) {
            RowPrint _ = look(given, number);
            Optional<Map<String, Object>> _ = usual(given, number);
            return;
        }
        UsualRow meant = work.meant(given);
        if (refused(meant, number)) {
            return;
        }
        Map<String, Object> row = meant.row();
        RowPrint print = look(row, number);
        usual(row, number).ifPresent(usual -> work.row(number, print, row, usual));
    }

    private boolean refused(UsualRow usual, long number) {
        usual.finding().ifPresent(kind -> findings.add(Finding.of(number, kind, null)));
        usual.problem().ifPresent(reason -> problem(number, reason));
        return usual.problem().isPresent();
    }

    private RowPrint look(Map<String, Object> row, long number) {
        RowPrint print = RowPrint.of(row);
        if (depth != Depth.RULES) {
            texts.look(row, kind -> findings.add(Finding.of(number, kind, null)));
            keep(print, row, number);
        }
        return print;
    }

    /// The row in the usual shape, if it can be trained on.
    private Optional<Map<String, Object>> usual(Map<String, Object> given, long number) {
        UsualRow usual = UsualRow.of(given);
        if (refused(usual, number)) {
            return Optional.empty();
        }
        Optional<RowFormat> found = RowFormat.of(usual.row());
        if (found.isEmpty()) {
            String message =
                    "expected the key messages (chat), prompt (completion), text, preferred_output"
                            + " or chosen (preference), instruction (alpaca) or conversations"
                            + " (sharegpt)";
            problems.add(Problem.ofLine(number, null, message));
            findings.add(new Finding(number, FindingKind.UNKNOWN_SHAPE, null, message));
            return Optional.empty();
        }
        if (format == null) {
            format = found.get();
            firstRow = number;
        }
        if (found.get() != format) {
            boolean open = format == RowFormat.CHAT && usual.layout().isPresent();
            problem(
                    number,
                    open && found.get() == RowFormat.COMPLETION
                            ? "the conversation ends with no answer, other than that of line %d"
                                    .formatted(firstRow)
                            : "is a row of format %s, but line %d is of format %s"
                                    .formatted(found.get().wire(), firstRow, format.wire()));
            return Optional.empty();
        }
        RowRules rules = new RowRules(number);
        Optional<Row> row = rules.row(format, usual.row());
        rules.found().forEach(this::problem);
        rules.notes().forEach(findings::add);
        return row.map(_ -> usual.row());
    }

    private void keep(RowPrint print, Map<String, Object> given, long number) {
        if (printed == prints.length) {
            prints = Arrays.copyOf(prints, 2 * printed);
            lines = Arrays.copyOf(lines, 2 * printed);
            sketches = near() ? Arrays.copyOf(sketches, 2 * printed) : sketches;
        }
        prints[printed] = print;
        if (near()) {
            sketches[printed] = WordSketch.of(given);
        }
        lines[printed++] = number;
    }

    private void problem(long number, String message) {
        problem(Problem.ofLine(number, null, message));
    }

    private void problem(Problem problem) {
        problems.add(problem);
        findings.add(Finding.of(problem));
    }

    /// Where fingerprints of rows go.
    @FunctionalInterface
    interface PrintSink {
        /// Takes the next one.
        ///
        /// @param sketch null where nearness is not asked for
        void add(RowPrint print, int @Nullable [] sketch, long line);
    }

    /// Hands over the fingerprints of the rows since the last time, in order.
    void drain(PrintSink sink) {
        for (int i = 0; i < printed; i++) {
            sink.add(prints[i], near() ? sketches[i] : null, lines[i]);
        }
        printed = 0;
    }

    /// Figures of size, in this order: rows, bytes, bytes of the longest line.
    List<Long> sizes() {
        return List.of(rows, bytes, longestBytes);
    }

    /// Adds what was found in the rows that follow, but for their fingerprints.
    void addAll(RowInspection next) {
        if (format == null) {
            format = next.format;
            firstRow = next.firstRow;
        }
        rows += next.rows;
        bytes += next.bytes;
        longestBytes = Math.max(longestBytes, next.longestBytes);
        problems.addAll(next.problems);
        texts.addAll(next.texts);
    }

    /// A problem of the file as a whole.
    void ofFile(String message) {
        problems.add(new Problem(ProblemCode.INVALID_TRAINING_FILE, null, message, null, null));
    }
}
