package dev.tunesmith.api.dataset;

import dev.tunesmith.contracts.data.RowChecker;
import dev.tunesmith.contracts.data.RowFigures;
import dev.tunesmith.contracts.data.RowFormat;
import dev.tunesmith.contracts.data.RowSummary;
import dev.tunesmith.contracts.dataset.FileKind;
import dev.tunesmith.contracts.inspect.Finding;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;

/// Checks the rows of an upload while its bytes pass by. Files that are not JSON lines are checked
/// by a worker before a job that names them is queued.
final class RowCheck {
    private static final int HEAD_BYTES = 4096;

    private final RowChecker checker;
    private final String name;
    private boolean begun;
    private Optional<String> otherKind = Optional.empty();

    /// @param name what the file is called, which tells its kind where its bytes do not
    RowCheck(String name) {
        this(name, _ -> {});
    }

    /// @param sink gets every finding
    RowCheck(String name, Consumer<Finding> sink) {
        this.name = name;
        this.checker = new RowChecker(sink);
    }

    /// The same bytes, each of which is also looked at.
    InputStream watching(InputStream content) {
        return new FilterInputStream(content) {
            @Override
            public int read() throws IOException {
                byte[] one = new byte[1];
                return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
            }

            @Override
            public int read(byte[] target, int offset, int length) throws IOException {
                int read = super.read(target, offset, length);
                if (read > 0) {
                    look(target, offset, read);
                }
                return read;
            }
        };
    }

    private void look(byte[] bytes, int offset, int length) {
        if (!begun) {
            begun = true;
            byte[] head = Arrays.copyOfRange(bytes, offset, offset + Math.min(length, HEAD_BYTES));
            otherKind = otherKind(head);
        }
        if (otherKind.isEmpty()) {
            checker.accept(bytes, offset, length);
        }
    }

    /// The kind of a file that is not JSON lines.
    private Optional<String> otherKind(byte[] head) {
        if (FileKind.isCompressed(head)) {
            return Optional.of("compressed");
        }
        return FileKind.of(head, name)
                .filter(kind -> kind != FileKind.JSON_LINES)
                .map(kind -> kind.name().toLowerCase(Locale.ROOT));
    }

    /// What was found, once all bytes have passed.
    RowReport report() {
        if (otherKind.isPresent()) {
            return new RowReport(otherKind.get(), 0, 0, 0, List.of(), RowFigures.EMPTY);
        }
        RowSummary summary = checker.finish();
        RowFormat format = summary.format();
        return new RowReport(
                format == null ? null : format.wire(),
                summary.rows(),
                summary.duplicates(),
                summary.problemCount(),
                summary.problems(),
                summary.figures());
    }
}
