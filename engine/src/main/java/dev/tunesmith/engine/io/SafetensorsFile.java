package dev.tunesmith.engine.io;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
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

    private final MappedFile file;
    private final Map<String, String> metadata;
    private final Map<String, StoredTensor> tensors;

    private SafetensorsFile(MappedFile file) {
        SafetensorsHeader.Content content =
                SafetensorsHeader.read(file.path(), header(file), file.size());
        this.file = file;
        this.metadata = Map.copyOf(content.metadata());
        Map<String, StoredTensor> byName = new LinkedHashMap<>();
        content.tensors().forEach(tensor -> byName.put(tensor.name(), tensor));
        this.tensors = Collections.unmodifiableMap(byName);
    }

    /// Checks and maps `path`.
    ///
    /// @throws ModelFileException if the file is missing or malformed
    public static SafetensorsFile open(Path path) {
        return MappedFile.open(path, SafetensorsFile::new);
    }

    private static byte[] header(MappedFile file) {
        if (file.size() < SafetensorsHeader.PREFIX_BYTES) {
            throw new ModelFileException(
                    file.path(), file.size(), "too short for a safetensors file: no header length");
        }
        long length = file.bytes().get(LONG, 0);
        if (length < 0 || length > SafetensorsHeader.HEADER_BYTES_MAX) {
            throw new ModelFileException(
                    file.path(),
                    0,
                    "header length %s exceeds the limit of %d bytes"
                            .formatted(
                                    Long.toUnsignedString(length),
                                    SafetensorsHeader.HEADER_BYTES_MAX));
        }
        if (length > file.size() - SafetensorsHeader.PREFIX_BYTES) {
            throw new ModelFileException(
                    file.path(),
                    file.size(),
                    "the file ends inside the header, which has %d bytes".formatted(length));
        }
        return file.bytes()
                .asSlice(SafetensorsHeader.PREFIX_BYTES, length)
                .toArray(ValueLayout.JAVA_BYTE);
    }

    /// Where the file lies.
    public Path path() {
        return file.path();
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
                .orElseThrow(() -> new ModelFileException(file.path(), "no tensor named " + name));
    }

    /// The mapped bytes of a tensor, valid until [#close].
    public MemorySegment bytes(String name) {
        StoredTensor tensor = tensor(name);
        return file.bytes().asSlice(tensor.begin(), tensor.bytes());
    }

    /// A copy of a floating-point tensor as Java floats, row-major.
    public float[] floats(String name) {
        return floats(name, 0, tensor(name).elements());
    }

    /// A copy of `count` values of a floating-point tensor from the element `from` on.
    public float[] floats(String name, long from, long count) {
        StoredTensor tensor = tensor(name);
        MemorySegment source = bytes(name);
        float[] values = new float[Math.toIntExact(count)];
        for (int i = 0; i < values.length; i++) {
            values[i] = floatAt(source, tensor, from + i);
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
                file.path(),
                tensor.begin(),
                "tensor %s is %s, not %s".formatted(tensor.name(), tensor.type(), wanted));
    }

    /// Unmaps the file.
    @Override
    public void close() {
        file.close();
    }
}
