package dev.tunesmith.engine.data;

import dev.tunesmith.contracts.data.MalformedLineException;
import dev.tunesmith.contracts.data.RowChecker;
import dev.tunesmith.contracts.data.RowSummary;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/// Checks a training file of any kind without any model.
public final class TrainingFile {

    private static final int BUFFER_BYTES = 1 << 16;

    private TrainingFile() {}

    /// One pass over all rows, in constant memory.
    public static RowSummary check(Path file) throws IOException {
        try (RowLines lines = RowLines.of(file)) {
            return checkLines(lines.path());
        }
    }

    private static RowSummary checkLines(Path file) throws IOException {
        RowChecker checker = new RowChecker(TrainingFile::parse);
        byte[] buffer = new byte[BUFFER_BYTES];
        try (InputStream source = Files.newInputStream(file)) {
            for (int read = source.read(buffer); read >= 0; read = source.read(buffer)) {
                checker.accept(buffer, 0, read);
            }
        }
        return checker.finish();
    }

    private static Map<String, Object> parse(String line) throws MalformedLineException {
        try {
            return JsonLines.parse(line);
        } catch (UnusableRowException e) {
            throw new MalformedLineException(e.reason());
        }
    }
}
