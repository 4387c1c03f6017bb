package dev.tunesmith.engine.rows;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// CSV and TSV as RFC 4180 has them: the first record names the columns, fields are text, an empty
/// field is no value.
///
/// A field that is a JSON list or object stays text here; who reads rows knows which columns hold
/// structures.
final class DelimitedRows implements RowReader {

    private static final int FIELD_CHARS_MAX = 16 << 20;
    private static final int COLUMNS_MAX = 4096;

    private final Path file;
    private final BufferedReader reader;
    private final char delimiter;
    private List<String> names = List.of();
    private long line = 1;
    private boolean ended;

    DelimitedRows(Path file, InputStream source, char delimiter) {
        this.file = file;
        this.reader = new BufferedReader(new InputStreamReader(source, StandardCharsets.UTF_8));
        this.delimiter = delimiter;
    }

    @Override
    public Optional<Map<String, @Nullable Object>> next() throws IOException {
        if (names.isEmpty()) {
            names = record();
            if (!names.isEmpty() && names.getFirst().startsWith("\uFEFF")) {
                names.set(0, names.getFirst().substring(1));
            }
            if (new HashSet<>(names).size() < names.size()) {
                throw damaged("two columns have the same name");
            }
        }
        List<String> fields = record();
        while (fields.size() == 1 && fields.getFirst().isEmpty() && names.size() > 1) {
            fields = record();
        }
        if (fields.isEmpty()) {
            return Optional.empty();
        }
        if (fields.size() != names.size()) {
            throw damaged(
                    "%d fields, but the first line names %d"
                            .formatted(fields.size(), names.size()));
        }
        Map<String, @Nullable Object> row = new LinkedHashMap<>();
        for (int i = 0; i < fields.size(); i++) {
            row.put(names.get(i), fields.get(i).isEmpty() ? null : fields.get(i));
        }
        return Optional.of(row);
    }

    private RowFileException damaged(String reason) {
        return new RowFileException(file, "line " + line, reason);
    }

    /// The fields up to the next line end outside of quotes; none at the end of the file.
    private List<String> record() throws IOException {
        List<String> fields = new ArrayList<>();
        StringBuilder field = new StringBuilder();
        boolean quoted = false;
        int c = ended ? -1 : reader.read();
        if (c < 0) {
            return fields;
        }
        while (c >= 0) {
            if (quoted) {
                if (c == '"') {
                    c = reader.read();
                    if (c == '"') {
                        field.append('"');
                    } else {
                        quoted = false;
                        continue;
                    }
                } else {
                    line += c == '\n' ? 1 : 0;
                    field.append((char) c);
                }
            } else if (c == '"' && field.isEmpty()) {
                quoted = true;
            } else if (c == delimiter) {
                add(fields, field);
            } else if (c == '\n') {
                break;
            } else {
                field.append((char) c);
            }
            if (field.length() > FIELD_CHARS_MAX) {
                throw damaged("a field of more than %d characters".formatted(FIELD_CHARS_MAX));
            }
            c = reader.read();
        }
        if (quoted) {
            throw damaged("the file ends inside quotes");
        }
        ended = c < 0;
        line++;
        if (!field.isEmpty() && field.charAt(field.length() - 1) == '\r') {
            field.setLength(field.length() - 1);
        }
        add(fields, field);
        return fields;
    }

    private void add(List<String> fields, StringBuilder field) {
        if (fields.size() >= COLUMNS_MAX) {
            throw damaged("more than %d columns".formatted(COLUMNS_MAX));
        }
        fields.add(field.toString());
        field.setLength(0);
    }

    @Override
    public void close() throws IOException {
        reader.close();
    }
}
