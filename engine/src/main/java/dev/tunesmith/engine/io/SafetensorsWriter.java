package dev.tunesmith.engine.io;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/// Collects tensors and writes them as one safetensors file.
///
/// The same tensors and metadata give the same bytes, whatever the order of the calls: widest types
/// first and then by name, as the reference implementation lays them out; metadata sorted; the
/// header padded with blanks to a multiple of 8. Nothing about time or host gets in.
public final class SafetensorsWriter {

    private static final int HEADER_ALIGNMENT = 8;
    private static final long CHUNK_BYTES = 8L << 20;

    private final SortedMap<String, String> metadata;
    private final List<Piece> pieces = new ArrayList<>();
    private final Set<String> names = new HashSet<>();

    private record Piece(String name, StoredType type, List<Long> shape, MemorySegment bytes) {
        /// Bytes that belong to somebody else; those on the heap were made for the file.
        long borrowed() {
            return bytes.isNative() ? bytes.byteSize() : 0;
        }
    }

    /// Who makes files of collected tensors.
    @FunctionalInterface
    public interface Target {
        /// Writes each at once.
        Target AT_ONCE = SafetensorsWriter::write;

        /// Creates `file`, now or later; the tensors may change as soon as this returns.
        void write(SafetensorsWriter writer, Path file) throws IOException;
    }

    /// Starts a file with the given metadata (`{"format":"pt"}` for files that others read).
    public SafetensorsWriter(Map<String, String> metadata) {
        this.metadata = new TreeMap<>(metadata);
    }

    /// Adds a tensor whose bytes are little-endian and row-major. They are read by [#write], so
    /// they must stay as they are until then.
    public SafetensorsWriter add(
            String name, StoredType type, List<Long> shape, MemorySegment bytes) {
        long expected = type.bytes();
        for (long axis : shape) {
            expected = Math.multiplyExact(expected, axis);
        }
        if (bytes.byteSize() != expected) {
            throw new IllegalArgumentException(
                    "tensor %s: shape %s of %s needs %d bytes, given %d"
                            .formatted(name, shape, type, expected, bytes.byteSize()));
        }
        if (!names.add(name)) {
            throw new IllegalArgumentException("tensor %s was added twice".formatted(name));
        }
        pieces.add(new Piece(name, type, List.copyOf(shape), bytes));
        return this;
    }

    /// Adds a float tensor.
    public SafetensorsWriter add(String name, List<Long> shape, float[] values) {
        ByteBuffer bytes =
                ByteBuffer.allocate(Math.multiplyExact(values.length, Float.BYTES))
                        .order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(values);
        return add(name, StoredType.F32, shape, MemorySegment.ofBuffer(bytes));
    }

    /// Names of all tensors so far.
    public Set<String> names() {
        return Set.copyOf(names);
    }

    /// Bytes of all tensors that lie in memory of others.
    long borrowedBytes() {
        return pieces.stream().mapToLong(Piece::borrowed).sum();
    }

    /// The same file from copies in `memory`, which has room for [#borrowedBytes].
    SafetensorsWriter copiedInto(MemorySegment memory) {
        SafetensorsWriter copy = new SafetensorsWriter(metadata);
        long at = 0;
        for (Piece piece : pieces) {
            MemorySegment bytes = piece.bytes;
            if (bytes.isNative()) {
                bytes = memory.asSlice(at, piece.borrowed()).copyFrom(piece.bytes);
                at += piece.borrowed();
            }
            copy.add(piece.name, piece.type, piece.shape, bytes);
        }
        return copy;
    }

    /// Creates `file`, which must not exist. The system brings it to the disk in its own time, so
    /// that a run does not wait for that.
    public void write(Path file) throws IOException {
        List<Piece> sorted = new ArrayList<>(pieces);
        sorted.sort(
                Comparator.comparing(Piece::type)
                        .reversed()
                        .thenComparing(
                                Piece::name,
                                Comparator.comparing(
                                        name -> name.getBytes(StandardCharsets.UTF_8),
                                        Arrays::compareUnsigned)));
        byte[] header = header(sorted);
        try (FileChannel channel =
                FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW)) {
            ByteBuffer prefix =
                    ByteBuffer.allocate(SafetensorsHeader.PREFIX_BYTES)
                            .order(ByteOrder.LITTLE_ENDIAN)
                            .putLong(0, header.length);
            writeFully(channel, prefix);
            writeFully(channel, ByteBuffer.wrap(header));
            for (Piece piece : sorted) {
                writeBytes(channel, piece.bytes());
            }
        }
    }

    private byte[] header(List<Piece> sorted) {
        StringBuilder json = new StringBuilder("{");
        if (!metadata.isEmpty()) {
            json.append("\"__metadata__\":{");
            metadata.forEach((key, value) -> {
                quote(json, key);
                json.append(':');
                quote(json, value);
                json.append(',');
            });
            json.setLength(json.length() - 1);
            json.append("},");
        }
        long position = 0;
        for (Piece piece : sorted) {
            quote(json, piece.name());
            json.append(":{\"dtype\":\"").append(piece.type()).append("\",\"shape\":[");
            for (int axis = 0; axis < piece.shape().size(); axis++) {
                json.append(axis == 0 ? "" : ",").append(piece.shape().get(axis));
            }
            long end = position + piece.bytes().byteSize();
            json.append("],\"data_offsets\":[").append(position).append(',').append(end);
            json.append("]},");
            position = end;
        }
        if (json.charAt(json.length() - 1) == ',') {
            json.setLength(json.length() - 1);
        }
        json.append('}');
        byte[] text = json.toString().getBytes(StandardCharsets.UTF_8);
        int padded = Math.ceilDiv(text.length, HEADER_ALIGNMENT) * HEADER_ALIGNMENT;
        byte[] header = Arrays.copyOf(text, padded);
        Arrays.fill(header, text.length, padded, (byte) ' ');
        return header;
    }

    private static void quote(StringBuilder json, String text) {
        json.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> json.append("\\\"");
                case '\\' -> json.append("\\\\");
                case '\n' -> json.append("\\n");
                case '\r' -> json.append("\\r");
                case '\t' -> json.append("\\t");
                case '\b' -> json.append("\\b");
                case '\f' -> json.append("\\f");
                default -> {
                    if (c < ' ') {
                        json.append("\\u%04x".formatted((int) c));
                    } else {
                        json.append(c);
                    }
                }
            }
        }
        json.append('"');
    }

    private static void writeBytes(FileChannel channel, MemorySegment bytes) throws IOException {
        for (long at = 0; at < bytes.byteSize(); at += CHUNK_BYTES) {
            long length = Math.min(CHUNK_BYTES, bytes.byteSize() - at);
            MemorySegment part = bytes.asSlice(at, length);
            writeFully(
                    channel,
                    part.isNative()
                            ? part.asByteBuffer()
                            : ByteBuffer.wrap(part.toArray(ValueLayout.JAVA_BYTE)));
        }
    }

    private static void writeFully(FileChannel channel, ByteBuffer source) throws IOException {
        while (source.hasRemaining()) {
            int _ = channel.write(source);
        }
    }
}
