package dev.tunesmith.bench.text;

import dev.tunesmith.engine.rows.RowFile;
import dev.tunesmith.engine.rows.RowReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The texts of files of rows, read anew for each iteration: what a row says, whatever its shape.
///
/// @param files of any kind that a job takes
public record Corpus(List<Path> files) implements Iterable<String> {

    /// Values under these keys name a part of a row and are no text of it.
    private static final Set<String> NAMES = Set.of("role", "from", "type", "id");

    public Corpus {
        files = List.copyOf(files);
    }

    /// Each text by itself; [UncheckedIOException] if a file cannot be read.
    @Override
    public Iterator<String> iterator() {
        return new Texts(files.iterator());
    }

    private static final class Texts implements Iterator<String> {
        private final Iterator<Path> rest;
        private final Deque<String> ready = new ArrayDeque<>();
        private @Nullable RowReader open;

        Texts(Iterator<Path> rest) {
            this.rest = rest;
        }

        @Override
        public boolean hasNext() {
            try {
                while (ready.isEmpty() && (open != null || rest.hasNext())) {
                    fill();
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            return !ready.isEmpty();
        }

        @Override
        public String next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            return ready.remove();
        }

        private void fill() throws IOException {
            RowReader reader = open == null ? RowFile.open(rest.next()) : open;
            open = reader;
            Optional<Map<String, @Nullable Object>> row = reader.next();
            if (row.isEmpty()) {
                reader.close();
                open = null;
            } else {
                add(row.get());
            }
        }

        private void add(@Nullable Object value) {
            switch (value) {
                case String text when !text.isEmpty() -> ready.add(text);
                case Collection<?> list -> list.forEach(this::add);
                case Map<?, ?> map ->
                        map.forEach((key, part) -> {
                            if (!NAMES.contains(String.valueOf(key))) {
                                add(part);
                            }
                        });
                case null, default -> {}
            }
        }
    }
}
