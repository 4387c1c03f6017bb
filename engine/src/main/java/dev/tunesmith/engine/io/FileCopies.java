package dev.tunesmith.engine.io;

import dev.tunesmith.kernels.NativeMemory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Weight files that another thread is to write, from copies of what they hold.
///
/// [#write] takes copies, which costs as long as memory needs to move; what they are copies of may
/// change at once. [#finish] writes them. Memory of one round is there for the next, as long as its
/// files are as large; what does not fit into the limit is written at once instead.
public final class FileCopies implements SafetensorsWriter.Target, AutoCloseable {

    private final long bytesMax;
    private final Map<String, NativeMemory> memory = new HashMap<>();
    private final List<Waiting> waiting = new ArrayList<>();

    private record Waiting(SafetensorsWriter writer, Path file) {}

    /// @param bytesMax how much memory copies may take; 0 writes everything at once
    public FileCopies(long bytesMax) {
        this.bytesMax = bytesMax;
    }

    /// Takes a copy of a file, or writes it if there is no room for one.
    @Override
    public void write(SafetensorsWriter writer, Path file) throws IOException {
        long bytes = writer.borrowedBytes();
        String name = String.valueOf(file.getFileName());
        NativeMemory known = memory.get(name);
        if (known != null && known.bytes() < bytes) {
            known.close();
            memory.remove(name);
            known = null;
        }
        if (known == null && bytes > 0 && bytes <= bytesMax - held()) {
            known = NativeMemory.allocate(bytes);
            memory.put(name, known);
        }
        if (known == null) {
            writer.write(file);
            return;
        }
        waiting.add(new Waiting(writer.copiedInto(known.segment()), file));
    }

    /// Bytes that copies take.
    public long held() {
        return memory.values().stream().mapToLong(each -> each.bytes()).sum();
    }

    /// Writes what waits, whether it succeeds or not.
    public void finish() throws IOException {
        try {
            for (Waiting each : waiting) {
                each.writer.write(each.file);
            }
        } finally {
            waiting.clear();
        }
    }

    /// Forgets what waits.
    public void forget() {
        waiting.clear();
    }

    /// Forgets what waits, and frees all copies.
    @Override
    public void close() {
        forget();
        memory.values().forEach(NativeMemory::close);
        memory.clear();
    }
}
