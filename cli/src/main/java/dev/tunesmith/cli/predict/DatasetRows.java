package dev.tunesmith.cli.predict;

import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectReader;
import dev.tunesmith.cli.Api;
import java.io.IOException;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.Map;
import java.util.Optional;

/// The rows of a file, from one on to the last that is asked for.
final class DatasetRows implements AutoCloseable {
    private static final ObjectReader ROWS = Api.JSON.readerForMapOf(Object.class);

    private final MappingIterator<Map<String, Object>> rows;
    private final BitSet skipped;
    private final int done;
    private final int last;
    private int read;
    private int number;

    private DatasetRows(
            MappingIterator<Map<String, Object>> rows, BitSet skipped, int done, int last) {
        this.rows = rows;
        this.skipped = skipped;
        this.done = done;
        this.last = last;
    }

    /// A file of JSON lines, or one JSON array.
    ///
    /// @param skipped numbers of the rows, from 1, that the file was made without
    record Source(Path file, BitSet skipped) {}

    /// Opens a file.
    ///
    /// @param done rows at its begin that are left out
    /// @param limit rows that are looked at, those included; 0 for all
    static DatasetRows open(Source source, int done, int limit) throws IOException {
        return new DatasetRows(
                ROWS.readValues(source.file().toFile()),
                source.skipped(),
                done,
                limit == 0 ? Integer.MAX_VALUE : limit);
    }

    Optional<PredictedRow> next() throws IOException {
        while (read < last && rows.hasNextValue()) {
            Map<String, Object> row = rows.nextValue();
            read++;
            number = skipped.nextClearBit(number + 1);
            if (read > done) {
                return Optional.of(PredictedRow.of(number, row));
            }
        }
        return Optional.empty();
    }

    @Override
    public void close() throws IOException {
        rows.close();
    }
}
