package dev.tunesmith.engine.io;

import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A safetensors file, checked as a whole and then mapped read-only.
///
/// The caller keeps the file from changing while it is open: a mapped file that shrinks ends the
/// process. Segments die with [#close], and their address need not be aligned.
public final class SafetensorsFile implements AutoCloseable {

    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfDouble DOUBLE =
            ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Path path;
    private final Map<String, String> metadata;
    private final Map<String, StoredTensor> tensors;
    private final Arena arena;
    private final MemorySegment bytes;

    private SafetensorsFile(
            Path path, SafetensorsHeader.Content content, Arena arena, MemorySegment bytes) {
        this.path = path;
        this.metadata = Map.copyOf(content.metadata());
        Map<String, StoredTensor> byName = new LinkedHashMap<>();
        content.tensors().forEach(tensor -> byName.put(tensor.name(), tensor));
        this.tensors = Collections.unmodifiableMap(byName);
        this.arena = arena;
        this.bytes = bytes;
    }

    /// Checks and maps `path`.
    ///
    /// @throws ModelFileException if the file is missing or malformed
    public static SafetensorsFile open(Path path) {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            long fileBytes = channel.size();
            byte[] header = header(path, channel, fileBytes);
            SafetensorsHeader.Content content = SafetensorsHeader.read(path, header, fileBytes);
            Arena arena = Arena.ofShared();
            try {
                MemorySegment bytes =
                        channel.map(FileChannel.MapMode.READ_ONLY, 0, fileBytes, arena);
                return new SafetensorsFile(path, content, arena, bytes);
            } catch (IOException e) {
                arena.close();
                throw e;
            }
        } catch (NoSuchFileException e) {
            throw new ModelFileException(path, "the file does not exist");
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + path, e);
        }
    }

    private static byte[] header(Path path, FileChannel channel, long fileBytes)
            throws IOException {
        if (fileBytes < SafetensorsHeader.PREFIX_BYTES) {
            throw new ModelFileException(
                    path, fileBytes, "too short for a safetensors file: no header length");
        }
        ByteBuffer prefix = ByteBuffer.allocate(SafetensorsHeader.PREFIX_BYTES);
        readFully(channel, prefix, 0);
        long length = prefix.order(ByteOrder.LITTLE_ENDIAN).getLong(0);
        if (length < 0 || length > SafetensorsHeader.HEADER_BYTES_MAX) {
            throw new ModelFileException(
                    path,
                    0,
                    "header length %s exceeds the limit of %d bytes"
                            .formatted(
                                    Long.toUnsignedString(length),
                                    SafetensorsHeader.HEADER_BYTES_MAX));
        }
        if (length > fileBytes - SafetensorsHeader.PREFIX_BYTES) {
            throw new ModelFileException(
                    path,
                    fileBytes,
                    "the file ends inside the header, which has %d bytes".formatted(length));
        }
        byte[] header = new byte[Math.toIntExact(length)];
        readFully(channel, ByteBuffer.wrap(header), SafetensorsHeader.PREFIX_BYTES);
        return header;
    }

    private static void readFully(FileChannel channel, ByteBuffer target, long position)
            throws IOException {
        long at = position;
        while (target.hasRemaining()) {
            int read = channel.read(target, at);
            if (read < 0) {
                throw new EOFException("the file became shorter while it was read");
            }
            at += read;
        }
    }

    /// Where the file lies.
    public Path path() {
        return path;
    }

    /// The free text pairs of the header.
    public Map<String, String> metadata() {
        return metadata;
    }

    /// All tensors in the order of their bytes.
    public List<StoredTensor> tensors() {
        return new ArrayList<>(tensors.values());
    }

    /// The tensor of that name, if there is one.
    public Optional<StoredTensor> find(String name) {
        return Optional.ofNullable(tensors.get(name));
    }

    /// The tensor of that name.
    ///
    /// @throws ModelFileException if there is none
    public StoredTensor tensor(String name) {
        return find(name)
                .orElseThrow(() -> new ModelFileException(path, "no tensor named " + name));
    }

    /// The mapped bytes of a tensor, valid until [#close].
    public MemorySegment bytes(String name) {
        StoredTensor tensor = tensor(name);
        return bytes.asSlice(tensor.begin(), tensor.bytes());
    }

    /// A copy of a floating-point tensor as Java floats, row-major.
    public float[] floats(String name) {
        StoredTensor tensor = tensor(name);
        MemorySegment source = bytes(name);
        float[] values = new float[Math.toIntExact(tensor.elements())];
        for (int i = 0; i < values.length; i++) {
            values[i] = floatAt(source, tensor, i);
        }
        return values;
    }

    /// A copy of an integer or boolean tensor as Java longs, row-major.
    public long[] integers(String name) {
        StoredTensor tensor = tensor(name);
        MemorySegment source = bytes(name);
        long[] values = new long[Math.toIntExact(tensor.elements())];
        for (int i = 0; i < values.length; i++) {
            values[i] = integerAt(source, tensor, i);
        }
        return values;
    }

    private float floatAt(MemorySegment source, StoredTensor tensor, long index) {
        return switch (tensor.type()) {
            case F32 -> source.getAtIndex(FLOAT, index);
            case F64 -> (float) source.getAtIndex(DOUBLE, index);
            case F16 -> Float.float16ToFloat(source.getAtIndex(SHORT, index));
            case BF16 -> Float.intBitsToFloat(source.getAtIndex(SHORT, index) << 16);
            case BOOL, U8, I8, I16, U16, I32, U32, I64, U64, F8_E5M2, F8_E4M3 ->
                    throw wrongType(tensor, "floats");
        };
    }

    private long integerAt(MemorySegment source, StoredTensor tensor, long index) {
        return switch (tensor.type()) {
            case BOOL, U8 -> source.get(ValueLayout.JAVA_BYTE, index) & 0xFFL;
            case I8 -> source.get(ValueLayout.JAVA_BYTE, index);
            case I16 -> source.getAtIndex(SHORT, index);
            case U16 -> source.getAtIndex(SHORT, index) & 0xFFFFL;
            case I32 -> source.getAtIndex(INT, index);
            case U32 -> source.getAtIndex(INT, index) & 0xFFFFFFFFL;
            case I64, U64 -> source.getAtIndex(LONG, index);
            case F16, BF16, F32, F64, F8_E5M2, F8_E4M3 -> throw wrongType(tensor, "integers");
        };
    }

    private ModelFileException wrongType(StoredTensor tensor, String wanted) {
        return new ModelFileException(
                path,
                tensor.begin(),
                "tensor %s is %s, not %s".formatted(tensor.name(), tensor.type(), wanted));
    }

    /// Unmaps the file.
    @Override
    public void close() {
        arena.close();
    }
}
