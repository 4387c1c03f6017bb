package dev.tunesmith.engine.corpus;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tunesmith.engine.io.JsonTree;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.AbstractList;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.RandomAccess;

/// The rows that graders read, in a file: memory holds eight bytes a row, and a row is read again
/// each time that it is asked for.
///
/// Rows are written first, then they are read, by any thread.
final class ItemFile extends AbstractList<Map<String, Object>>
        implements RandomAccess, AutoCloseable {

    /// A text of this length is read back, and longer ones have no place in a prompt.
    static final int ROW_BYTES_MAX = 16 << 20;

    private final Path file;
    private final OutputStream writer;
    private final FileChannel reader;
    private long[] ends = new long[1024];
    private int size;

    /// @param file is written anew
    ItemFile(Path file) throws IOException {
        this.file = file;
        this.writer = new BufferedOutputStream(Files.newOutputStream(file), 1 << 16);
        this.reader = FileChannel.open(file, StandardOpenOption.READ);
    }

    /// Writes the next row; false if it is too long for that.
    boolean write(Map<String, Object> row) throws IOException {
        byte[] bytes = JsonTree.text(row).getBytes(UTF_8);
        if (bytes.length > ROW_BYTES_MAX) {
            return false;
        }
        writer.write(bytes);
        ends = size < ends.length ? ends : Arrays.copyOf(ends, 2 * size);
        ends[size] = (size == 0 ? 0 : ends[size - 1]) + bytes.length;
        size++;
        return true;
    }

    /// Ends the writing.
    void finish() throws IOException {
        writer.flush();
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public Map<String, Object> get(int index) {
        Objects.checkIndex(index, size);
        long begin = index == 0 ? 0 : ends[index - 1];
        ByteBuffer bytes = ByteBuffer.allocate((int) (ends[index] - begin));
        try {
            while (bytes.hasRemaining()) {
                if (reader.read(bytes, begin + bytes.position()) < 0) {
                    throw new IOException("it ends inside of row %d".formatted(index + 1));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + file, e);
        }
        return JsonTree.parse(file, new String(bytes.array(), UTF_8));
    }

    @Override
    public void close() {
        try (writer;
                reader) {
            size = 0;
        } catch (IOException e) {
            throw new UncheckedIOException("closing " + file, e);
        }
    }
}
