package dev.tunesmith.engine.data;

import dev.tunesmith.contracts.data.FileInspection;
import dev.tunesmith.contracts.data.RowSummary;
import dev.tunesmith.engine.rows.FileScan;
import dev.tunesmith.engine.rows.RowSource;
import java.io.IOException;
import java.nio.file.Path;

/// Checks a training file of any kind without any model.
public final class TrainingFile {

    private TrainingFile() {}

    /// One pass over all rows.
    public static RowSummary check(Path file) throws IOException {
        return check(RowSource.of(file));
    }

    /// The same for a file that may be elsewhere.
    public static RowSummary check(RowSource source) throws IOException {
        return FileScan.of(source, new FileInspection(FileInspection.ROWS_COMPARED, _ -> {}));
    }
}
