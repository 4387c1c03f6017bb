package dev.tunesmith.engine.gguf;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/// Writes a GGUF file: the header first, then one tensor after another, a few rows at a time, so
/// that no tensor is in memory as a whole.
final class GgufWriter {
    private static final int MAGIC = 0x46554747;
    private static final int VERSION = 3;
    private static final int ALIGNMENT = 32;
    private static final int CHUNK_VALUES = 1 << 22;

    private final Map<String, Object> metadata = new LinkedHashMap<>();
    private final List<Content> tensors = new ArrayList<>();

    /// Gives one row of a tensor.
    @FunctionalInterface
    interface Rows {
        float[] row(int index);
    }

    private record Content(String name, GgufType type, List<Long> shape, Rows rows) {
        long width() {
            return shape.getLast();
        }

        int count() {
            return Math.toIntExact(
                    shape.stream().reduce(1L, Math::multiplyExact) / shape.getLast());
        }

        long rowBytes() {
            return width() / type.blockValues() * type.blockBytes();
        }

        long bytes() {
            return count() * rowBytes();
        }
    }

    /// Adds a key. Integers become 32-bit numbers, doubles 32-bit floats; lists hold one of these
    /// or texts, and are not empty.
    GgufWriter put(String key, Object value) {
        metadata.put(key, value);
        return this;
    }

    /// Adds a tensor.
    ///
    /// @param shape as Hugging Face has it, the longest stride first
    void add(String name, GgufType type, List<Long> shape, Rows rows) {
        tensors.add(new Content(name, type, List.copyOf(shape), rows));
    }

    /// Creates `file`, which must not exist.
    void write(Path file) throws IOException {
        try (OutputStream raw =
                        Files.newOutputStream(
                                file, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW);
                var out = new Little(new BufferedOutputStream(raw, 1 << 20))) {
            header(out);
            for (Content tensor : tensors) {
                out.pad();
                values(out, tensor);
            }
            out.pad();
        }
    }

    private void header(Little out) throws IOException {
        out.word(MAGIC);
        out.word(VERSION);
        out.longWord(tensors.size());
        out.longWord(metadata.size());
        for (Map.Entry<String, Object> entry : metadata.entrySet()) {
            out.text(entry.getKey());
            out.word(type(entry.getValue()));
            out.value(entry.getValue());
        }
        long offset = 0;
        for (Content tensor : tensors) {
            out.text(tensor.name);
            out.word(tensor.shape.size());
            for (long size : tensor.shape.reversed()) {
                out.longWord(size);
            }
            out.word(tensor.type.id());
            out.longWord(offset);
            offset += Math.ceilDiv(tensor.bytes(), ALIGNMENT) * ALIGNMENT;
        }
    }

    private static void values(Little out, Content tensor) throws IOException {
        int width = Math.toIntExact(tensor.width());
        int rowBytes = Math.toIntExact(tensor.rowBytes());
        int most = Math.max(1, CHUNK_VALUES / width);
        for (int from = 0; from < tensor.count(); from += most) {
            int first = from;
            int rows = Math.min(most, tensor.count() - from);
            byte[] bytes = new byte[Math.multiplyExact(rows, rowBytes)];
            IntStream.range(0, rows)
                    .parallel()
                    .forEach(row ->
                            tensor.type.encode(
                                    tensor.rows.row(first + row), bytes, row * rowBytes));
            out.bytes(bytes);
        }
    }

    private static int type(Object value) {
        return switch (value) {
            case Integer _ -> 4;
            case Double _ -> 6;
            case Boolean _ -> 7;
            case String _ -> 8;
            case List<?> _ -> 9;
            default -> throw new IllegalArgumentException("no metadata: " + value);
        };
    }

    /// Little-endian numbers, counted.
    private static final class Little implements AutoCloseable {
        private final OutputStream out;
        private long written;

        Little(OutputStream out) {
            this.out = out;
        }

        void bytes(byte[] bytes) throws IOException {
            out.write(bytes);
            written += bytes.length;
        }

        void word(int value) throws IOException {
            bytes(order(Integer.BYTES).putInt(value).array());
        }

        void longWord(long value) throws IOException {
            bytes(order(Long.BYTES).putLong(value).array());
        }

        private static ByteBuffer order(int size) {
            return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
        }

        void text(String text) throws IOException {
            byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
            longWord(utf8.length);
            bytes(utf8);
        }

        void value(Object value) throws IOException {
            switch (value) {
                case Integer number -> word(number);
                case Double number -> word(Float.floatToRawIntBits(number.floatValue()));
                case Boolean flag -> bytes(new byte[] {(byte) (flag ? 1 : 0)});
                case String text -> text(text);
                case List<?> list -> {
                    // llama.cpp wants lists of signed numbers and unsigned single ones.
                    word(list.getFirst() instanceof Integer ? 5 : type(list.getFirst()));
                    longWord(list.size());
                    for (Object item : list) {
                        value(item);
                    }
                }
                default -> throw new IllegalArgumentException("no metadata: " + value);
            }
        }

        void pad() throws IOException {
            bytes(new byte[Math.toIntExact(Math.floorMod(-written, (long) ALIGNMENT))]);
        }

        @Override
        public void close() throws IOException {
            out.close();
        }
    }
}
