package dev.tunesmith.contracts.data;

import dev.tunesmith.contracts.inspect.Finding;
import java.io.ByteArrayOutputStream;
import java.util.function.Consumer;

/// Checks a JSONL training file while its bytes pass by, in constant memory.
///
/// Lines end with `\n` or `\r\n`, a byte order mark at the start and blank lines are skipped, and
/// every line must be strict UTF-8 and one JSON object of the format of the first row.
public final class RowChecker {
    /// How many problems are kept; all are counted.
    public static final int PROBLEMS_KEPT = RowInspection.PROBLEMS_KEPT;

    private static final int PART_BYTES = 1 << 20;

    private final ByteArrayOutputStream line = new ByteArrayOutputStream();
    private final FileInspection file;
    private RowInspection part = new RowInspection();
    private long number = 1;
    private long lineBytes;
    private long bytes;
    private long unsettled;

    public RowChecker() {
        this(_ -> {});
    }

    /// @param sink gets every finding
    public RowChecker(Consumer<Finding> sink) {
        this.file = new FileInspection(FileInspection.ROWS_COMPARED, sink);
    }

    /// Looks at the next bytes of the file.
    public void accept(byte[] source, int offset, int length) {
        int start = offset;
        int end = offset + length;
        for (int i = offset; i < end; i++) {
            if (source[i] == '\n') {
                if (lineBytes == 0) {
                    part.line(source, start, i, number++);
                } else {
                    append(source, start, i - start);
                    endLine();
                }
                start = i + 1;
            }
        }
        append(source, start, end - start);
        bytes += length;
        unsettled += length;
        if (unsettled >= PART_BYTES) {
            settle();
        }
    }

    private void append(byte[] source, int offset, int length) {
        lineBytes += length;
        if (lineBytes <= RowInspection.LINE_BYTES_MAX) {
            line.write(source, offset, length);
        }
    }

    /// Ends the file.
    public RowSummary finish() {
        if (lineBytes > 0) {
            endLine();
        }
        settle();
        return file.finish(bytes);
    }

    private void endLine() {
        if (lineBytes > RowInspection.LINE_BYTES_MAX) {
            part.tooLong(number, lineBytes);
        } else {
            byte[] all = line.toByteArray();
            part.line(all, 0, all.length, number);
        }
        line.reset();
        lineBytes = 0;
        number++;
    }

    private void settle() {
        unsettled = 0;
        RowInspection next = part.following();
        file.add(part);
        part = next;
    }
}
