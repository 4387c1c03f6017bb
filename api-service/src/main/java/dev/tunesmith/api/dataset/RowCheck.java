package dev.tunesmith.api.dataset;

import dev.tunesmith.contracts.data.MalformedLineException;
import dev.tunesmith.contracts.data.RowChecker;
import dev.tunesmith.contracts.data.RowFormat;
import dev.tunesmith.contracts.data.RowSummary;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.json.JsonException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/// Checks the rows of an upload while its bytes pass by.
final class RowCheck {
    private final RowChecker checker = new RowChecker(RowCheck::parse);

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
                    checker.accept(target, offset, read);
                }
                return read;
            }
        };
    }

    /// What was found, once all bytes have passed.
    RowReport report() {
        RowSummary summary = checker.finish();
        RowFormat format = summary.format();
        return new RowReport(
                format == null ? null : format.wire(),
                summary.rows(),
                summary.duplicates(),
                summary.problemCount(),
                summary.problems());
    }

    private static Object parse(String line) throws MalformedLineException {
        try {
            return Json.read(line, Object.class);
        } catch (JsonException e) {
            throw new MalformedLineException(
                    "%s at column %d".formatted(e.getMessage(), e.column()));
        }
    }
}
