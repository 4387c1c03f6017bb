package dev.tunesmith.engine.rows;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Gives the rows of a file one after the other, as trees of plain values.
public interface RowReader extends AutoCloseable {

    /// The next row, or nothing behind the last one.
    ///
    /// @throws RowFileException if the file is damaged here
    Optional<Map<String, @Nullable Object>> next() throws IOException;

    /// The values of a row that are there: a column without one is as good as none.
    static Map<String, Object> known(Map<String, ? extends @Nullable Object> row) {
        Map<String, Object> known = new LinkedHashMap<>();
        row.forEach((key, value) -> {
            if (value != null) {
                known.put(key, value);
            }
        });
        return known;
    }

    @Override
    void close() throws IOException;
}
