package dev.tunesmith.engine.rows;

import dev.tunesmith.contracts.data.FileInspection;
import dev.tunesmith.contracts.data.RowInspection;
import dev.tunesmith.contracts.data.RowSummary;
import dev.tunesmith.contracts.dataset.FileKind;
import dev.tunesmith.contracts.inspect.Finding;
import dev.tunesmith.contracts.mixture.Chunk;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
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

    private final RowSource source;
    private final Plan plan;
    private final FileInspection inspection;
    private final ExecutorService threads;
    private final int ahead;
    private final Deque<Future<RowInspection>> running = new ArrayDeque<>();
    private RowInspection begun;

    /// How a file is looked at.
    ///
    /// @param kind null looks for itself; what is nothing else is read as JSON lines, which reports
    ///   it
    /// @param chunk where the documents of a text file end
    /// @param first looks at the first rows; the others follow it
    /// @param threads how many look at the same time; each holds some pieces
    /// @param pieceBytes bytes of a piece of a file of lines
    public record Plan(
            @Nullable FileKind kind,
            Chunk chunk,
            RowInspection first,
            int threads,
            int pieceBytes) {

        /// Everything is looked at, by all threads.
        public static Plan of(@Nullable FileKind kind, Chunk chunk, RowInspection first) {
            return new Plan(kind, chunk, first, threadsMost(), LineChunks.CHUNK_BYTES);
        }

        /// As many threads as there are processors, within reason.
        public static int threadsMost() {
            return Math.min(THREADS_MAX, Runtime.getRuntime().availableProcessors());
        }
    }

    private FileScan(
            RowSource source, Plan plan, FileInspection inspection, ExecutorService threads) {
        this.source = source;
        this.plan = plan;
        this.inspection = inspection;
        this.threads = threads;
        this.ahead = plan.threads + 1;
        this.begun = plan.first;
    }

    /// Inspects a file.
    ///
    /// @param sink gets every finding, in the order of the file but for repeated rows, which follow
    ///   their piece
    public static RowSummary of(Path file, Consumer<Finding> sink) throws IOException {
        return of(RowSource.of(file), new FileInspection(FileInspection.ROWS_COMPARED, sink));
    }

    /// Inspects a file into an inspection that may know another file.
    public static RowSummary of(RowSource source, FileInspection inspection) throws IOException {
        return of(source, Plan.of(null, Chunk.LINE, inspection.begin()), inspection);
    }

    /// Inspects a file as a plan says.
    public static RowSummary of(RowSource source, Plan plan, FileInspection inspection)
            throws IOException {
        try (ExecutorService threads = Executors.newFixedThreadPool(plan.threads)) {
            try {
                return new FileScan(source, plan, inspection, threads).run();
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
        return inspection.finish(source.bytes());
    }

    private FileKind kind() throws IOException {
        if (plan.kind != null) {
            return plan.kind;
        }
        try {
            return RowFile.kind(source);
        } catch (RowFileException _) {
            return FileKind.JSON_LINES;
        }
    }

    private void scanLines() throws IOException {
        try (InputStream bytes = RowFile.stream(source)) {
            LineChunks chunks = new LineChunks(bytes, plan.pieceBytes);
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
        try (RowReader reader = RowFile.open(source, kind, plan.chunk)) {
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

    private void submitRows(List<Map<String, @Nullable Object>> rows, long first)
            throws IOException {
        submit(part -> {
            long number = first;
            for (Map<String, @Nullable Object> row : rows) {
                part.tree(row, number++);
            }
            return part;
        });
    }

    /// Inspects a piece: here until the format of the file is known, by another thread then.
    private void submit(Function<RowInspection, RowInspection> piece) throws IOException {
        RowInspection part = begun.following();
        if (begun.format().isEmpty()) {
            add(piece.apply(part));
            begun = part.following();
            return;
        }
        running.add(threads.submit(() -> piece.apply(part)));
        while (running.size() > ahead) {
            settle();
        }
    }

    private void add(RowInspection part) throws IOException {
        inspection.add(part);
        part.settle();
    }

    private void settleAll() throws IOException {
        while (!running.isEmpty()) {
            settle();
        }
    }

    private void settle() throws IOException {
        try {
            add(running.remove().get());
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case RuntimeException problem -> throw problem;
                case Error problem -> throw problem;
                case null, default ->
                        throw new IllegalStateException(
                                "a piece of " + source.name() + " was not inspected", e);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UncheckedIOException(new IOException("interrupted", e));
        }
    }
}
