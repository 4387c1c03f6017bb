package dev.tunesmith.engine.data;

import dev.tunesmith.contracts.data.RowSummary;
import dev.tunesmith.engine.rows.FileScan;
import java.io.IOException;
import java.nio.file.Path;

/// Checks a training file of any kind without any model.
public final class TrainingFile {

    private TrainingFile() {}

    /// One pass over all rows.
    public static RowSummary check(Path file) throws IOException {
        return FileScan.of(file, _ -> {});
    }
}
