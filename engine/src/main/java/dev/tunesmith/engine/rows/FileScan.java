package dev.tunesmith.engine.rows;

import dev.tunesmith.contracts.data.FileInspection;
import dev.tunesmith.contracts.data.RowInspection;
import dev.tunesmith.contracts.data.RowSummary;
import dev.tunesmith.contracts.dataset.FileKind;
import dev.tunesmith.contracts.inspect.Finding;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// Looks once at every row of a file of any kind: one thread reads, others inspect pieces of it,
/// and what they find is put together in the order of the file.
public final class FileScan {

    private static final int THREADS_MAX = 8;
    private static final int ROWS_A_PIECE = 256;

    private final Path file;
    private final FileInspection inspection;
    private final ExecutorService threads;
    private final int ahead;
    private final Deque<Future<RowInspection>> running = new ArrayDeque<>();
    private RowInspection begun;

    private FileScan(Path file, FileInspection inspection, ExecutorService threads, int ahead) {
        this.file = file;
        this.inspection = inspection;
        this.threads = threads;
        this.ahead = ahead;
        this.begun = inspection.begin();
    }

    /// Inspects a file.
    ///
    /// @param sink gets every finding, in the order of the file but for repeated rows, which follow
    ///   their piece
    public static RowSummary of(Path file, Consumer<Finding> sink) throws IOException {
        return of(file, new FileInspection(FileInspection.ROWS_COMPARED, sink));
    }

    /// Inspects a file into an inspection that may know another file.
    public static RowSummary of(Path file, FileInspection inspection) throws IOException {
        int count = Math.min(THREADS_MAX, Runtime.getRuntime().availableProcessors());
        try (ExecutorService threads = Executors.newFixedThreadPool(count)) {
            try {
                return new FileScan(file, inspection, threads, count + 1).run();
            } finally {
                threads.shutdownNow();
            }
        }
    }

    private RowSummary run() throws IOException {
        FileKind kind = kind();
        try {
            if (kind == FileKind.JSON_LINES) {
                scanLines();
            } else {
                scanRows(kind);
            }
        } catch (RowFileException e) {
            settleAll();
            RowInspection end = begun.following();
            end.unreadable(1, "unreadable %s: %s".formatted(kind, e.getMessage()));
            inspection.add(end);
        }
        settleAll();
        return inspection.finish(Files.size(file));
    }

    /// The kind of the file; what is nothing else is read as JSON lines, which reports it.
    private FileKind kind() throws IOException {
        try {
            return RowFile.kind(file);
        } catch (RowFileException _) {
            return FileKind.JSON_LINES;
        }
    }

    private void scanLines() throws IOException {
        try (InputStream source = RowFile.stream(file)) {
            LineChunks chunks = new LineChunks(source);
            Deque<LineChunks.Chunk> read = new ArrayDeque<>();
            Optional<LineChunks.Chunk> next = chunks.next();
            while (next.isPresent()) {
                LineChunks.Chunk chunk = next.get();
                read.add(chunk);
                submit(part -> lines(part, chunk));
                while (read.size() > running.size()) {
                    chunks.recycle(read.remove());
                }
                next = chunks.next();
            }
        }
    }

    private static RowInspection lines(RowInspection part, LineChunks.Chunk chunk) {
        if (chunk.skipped() > 0) {
            part.tooLong(chunk.line(), chunk.skipped());
        } else {
            part.lines(chunk.bytes(), 0, chunk.length(), chunk.line());
        }
        return part;
    }

    private void scanRows(FileKind kind) throws IOException {
        try (RowReader reader = RowFile.open(file, kind)) {
            long number = 1;
            List<Map<String, @Nullable Object>> rows = new ArrayList<>();
            try {
                Optional<Map<String, @Nullable Object>> row = reader.next();
                while (row.isPresent()) {
                    rows.add(row.get());
                    if (rows.size() == ROWS_A_PIECE) {
                        submitRows(List.copyOf(rows), number);
                        number += rows.size();
                        rows.clear();
                    }
                    row = reader.next();
                }
            } finally {
                submitRows(List.copyOf(rows), number);
            }
        }
    }

    private void submitRows(List<Map<String, @Nullable Object>> rows, long first) {
        submit(part -> {
            long number = first;
            for (Map<String, @Nullable Object> row : rows) {
                part.tree(row, number++);
            }
            return part;
        });
    }

    /// Inspects a piece: here until the format of the file is known, by another thread then.
    private void submit(Function<RowInspection, RowInspection> piece) {
        RowInspection part = begun.following();
        if (begun.format().isEmpty()) {
            inspection.add(piece.apply(part));
            begun = part.following();
            return;
        }
        running.add(threads.submit(() -> piece.apply(part)));
        while (running.size() > ahead) {
            settle();
        }
    }

    private void settleAll() {
        while (!running.isEmpty()) {
            settle();
        }
    }

    private void settle() {
        try {
            inspection.add(running.remove().get());
        } catch (ExecutionException e) {
            throw new IllegalStateException("a piece of " + file + " was not inspected", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UncheckedIOException(new IOException("interrupted", e));
        }
    }
}
