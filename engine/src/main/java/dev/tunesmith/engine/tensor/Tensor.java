package dev.tunesmith.engine.tensor;

import dev.tunesmith.kernels.NativeMemory;
import dev.tunesmith.kernels.torch.TorchAbi;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.function.Consumer;

/// A typed, row-major view of native memory with its shape kept in Java.
///
/// The last axis is contiguous. A matrix may have a row stride larger than its width, so that
/// columns of a wider matrix are a tensor too. Not safe for use by several threads.
public final class Tensor {

    private static final ValueLayout.OfShort BITS16 = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final ValueLayout.OfFloat BITS32 = ValueLayout.JAVA_FLOAT_UNALIGNED;

    private final Region owner;
    private final long address;
    private final DType type;
    private final long[] shape;
    private final long rowStride;
    private long handle;
    private long transposedHandle;

    Tensor(Region owner, long address, DType type, long[] shape) {
        this(owner, address, type, shape, shape.length == 0 ? 1 : shape[shape.length - 1]);
    }

    private Tensor(Region owner, long address, DType type, long[] shape, long rowStride) {
        this.owner = owner;
        this.address = address;
        this.type = type;
        this.shape = shape.clone();
        this.rowStride = rowStride;
    }

    /// Address of the first element.
    ///
    /// @throws IllegalStateException if the region of the tensor has ended
    public long address() {
        owner.requireOpen();
        return address;
    }

    /// Element type.
    public DType type() {
        return type;
    }

    /// A copy of the sizes of all axes.
    public long[] shape() {
        return shape.clone();
    }

    /// Size of one axis.
    public long size(int axis) {
        return shape[axis];
    }

    /// Number of axes.
    public int rank() {
        return shape.length;
    }

    /// Number of elements.
    public long elements() {
        return elements(shape);
    }

    /// Number of rows: all axes but the last multiplied.
    public long rows() {
        return shape.length == 0 ? 1 : elements() / Math.max(1, width());
    }

    /// Size of the last axis.
    public long width() {
        return shape.length == 0 ? 1 : shape[shape.length - 1];
    }

    /// Elements from the start of one row to the start of the next.
    public long rowStride() {
        return rowStride;
    }

    /// Whether the rows lie end to end.
    public boolean isContiguous() {
        return rowStride == width();
    }

    /// Bytes of all elements.
    public long bytes() {
        return elements() * type.bytes();
    }

    /// The region that ends this tensor.
    public Region owner() {
        return owner;
    }

    static long elements(long[] shape) {
        long elements = 1;
        for (long size : shape) {
            elements = Math.multiplyExact(elements, size);
        }
        return elements;
    }

    /// The same elements under another shape.
    public Tensor reshape(long... newShape) {
        requireContiguous("reshape");
        if (elements(newShape) != elements()) {
            throw new IllegalArgumentException(
                    "%s cannot become %s".formatted(this, Arrays.toString(newShape)));
        }
        return new Tensor(owner, address, type, newShape);
    }

    /// Rows `from` (inclusive) to `to` (exclusive) of a matrix.
    public Tensor rowRange(long from, long to) {
        requireMatrix();
        if (from < 0 || to < from || to > shape[0]) {
            throw new IndexOutOfBoundsException("rows %d to %d of %s".formatted(from, to, this));
        }
        return new Tensor(
                owner,
                address + from * rowStride * type.bytes(),
                type,
                new long[] {to - from, shape[1]},
                rowStride);
    }

    /// Columns `from` (inclusive) to `to` (exclusive) of a matrix.
    public Tensor columnRange(long from, long to) {
        requireMatrix();
        if (from < 0 || to < from || to > shape[1]) {
            throw new IndexOutOfBoundsException("columns %d to %d of %s".formatted(from, to, this));
        }
        return new Tensor(
                owner,
                address + from * type.bytes(),
                type,
                new long[] {shape[0], to - from},
                rowStride);
    }

    /// libtorch's handle for this matrix or stack of matrices; deleted with the region.
    public long handle() {
        owner.requireOpen();
        if (handle == 0) {
            TorchAbi torch = TorchAbi.get();
            handle = owner.adopt(torch.wrap(address, shape, strides(), type.torchCode(torch)));
        }
        return handle;
    }

    /// libtorch's handle for the same memory with the last two axes exchanged.
    public long transposedHandle() {
        owner.requireOpen();
        if (transposedHandle == 0) {
            TorchAbi torch = TorchAbi.get();
            long[] strides = strides();
            long[] sizes = shape.clone();
            int last = sizes.length - 1;
            sizes[last] = shape[last - 1];
            sizes[last - 1] = shape[last];
            long stride = strides[last];
            strides[last] = strides[last - 1];
            strides[last - 1] = stride;
            transposedHandle =
                    owner.adopt(torch.wrap(address, sizes, strides, type.torchCode(torch)));
        }
        return transposedHandle;
    }

    private long[] strides() {
        long[] strides = new long[shape.length];
        long stride = 1;
        for (int axis = shape.length - 1; axis >= 0; axis--) {
            strides[axis] = stride;
            stride = axis == shape.length - 1 ? rowStride : stride * shape[axis];
        }
        return strides;
    }

    /// Writes zeros.
    public void clear() {
        requireContiguous("clear");
        device().clear(address(), bytes());
    }

    /// Copies all elements of a tensor of the same type and number of elements.
    public void copyFrom(Tensor other) {
        if (other.type != type || other.elements() != elements()) {
            throw new IllegalArgumentException("cannot copy %s into %s".formatted(other, this));
        }
        if (isContiguous() && other.isContiguous()) {
            Device.Rows from = new Device.Rows(other.address(), bytes());
            device().copy(new Device.Rows(address(), bytes()), from, bytes(), 1);
            return;
        }
        device().copy(placeOfRows(), other.placeOfRows(), width() * type.bytes(), rows());
    }

    private Device.Rows placeOfRows() {
        return new Device.Rows(address(), rowStride * type.bytes());
    }

    private Device device() {
        return owner.device();
    }

    /// Writes float values, rounding to the nearest even bfloat16 where that is the type.
    public void set(float[] values) {
        if (values.length != elements()) {
            throw new IllegalArgumentException("%d values for %s".formatted(values.length, this));
        }
        requireContiguous("set");
        write(bytes -> {
            switch (type) {
                case F32 -> MemorySegment.copy(values, 0, bytes, BITS32, 0, values.length);
                case BF16 -> {
                    for (int i = 0; i < values.length; i++) {
                        bytes.set(BITS16, 2L * i, Bfloat16.of(values[i]));
                    }
                }
                case U8, I32, I64 ->
                        throw new IllegalArgumentException("%s takes integers".formatted(this));
            }
        });
    }

    /// Writes integer values.
    public void set(int[] values) {
        if (type != DType.I32 || values.length != elements()) {
            throw new IllegalArgumentException("%d integers for %s".formatted(values.length, this));
        }
        setBytes(MemorySegment.ofArray(values));
    }

    /// Writes 64-bit integer values.
    public void set(long[] values) {
        if (type != DType.I64 || values.length != elements()) {
            throw new IllegalArgumentException(
                    "%d long integers for %s".formatted(values.length, this));
        }
        setBytes(MemorySegment.ofArray(values));
    }

    /// Writes all elements from bytes on the host, which may be changed afterwards.
    public void setBytes(MemorySegment values) {
        if (values.byteSize() != bytes()) {
            throw new IllegalArgumentException(
                    "%d bytes for %s".formatted(values.byteSize(), this));
        }
        requireContiguous("set");
        if (values.isNative() && bytes() > 0) {
            device().upload(new Device.Rows(address(), bytes()), values, bytes(), 1);
        } else {
            write(bytes -> bytes.copyFrom(values));
        }
    }

    /// Lets the elements be written on the host; what was there before is lost.
    public void write(Consumer<MemorySegment> writer) {
        requireContiguous("write");
        if (device().hostVisible()) {
            writer.accept(NativeMemory.at(address(), bytes()));
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment host = arena.allocate(Math.max(bytes(), 1), 8).asSlice(0, bytes());
            writer.accept(host);
            device().upload(new Device.Rows(address(), bytes()), host, bytes(), 1);
        }
    }

    /// All elements of a 32-bit integer tensor.
    public int[] toInts() {
        if (type != DType.I32) {
            throw new IllegalStateException("not a tensor of 32-bit integers: " + this);
        }
        requireContiguous("toInts");
        return bytesOnHost().toArray(ValueLayout.JAVA_INT_UNALIGNED);
    }

    /// All elements as Java floats, row after row.
    public float[] toFloats() {
        float[] values = new float[Math.toIntExact(elements())];
        if (device().hostVisible() && !isContiguous()) {
            int width = Math.toIntExact(width());
            for (int row = 0; row < rows(); row++) {
                long from = address() + row * rowStride * type.bytes();
                read(
                        NativeMemory.at(from, (long) width * type.bytes()),
                        values,
                        row * width,
                        width);
            }
        } else {
            read(bytesOnHost(), values, 0, values.length);
        }
        return values;
    }

    private void read(MemorySegment bytes, float[] values, int to, int count) {
        switch (type) {
            case F32 -> MemorySegment.copy(bytes, BITS32, 0, values, to, count);
            case BF16 -> {
                for (int i = 0; i < count; i++) {
                    values[to + i] = Bfloat16.toFloat(bytes.get(BITS16, 2L * i));
                }
            }
            case U8, I32, I64 -> {
                for (int i = 0; i < count; i++) {
                    values[to + i] = integer(bytes, i);
                }
            }
        }
    }

    /// The elements, row after row, where the host can read them: in place if they lie there
    /// already, else a copy.
    public MemorySegment bytesOnHost() {
        if (device().hostVisible()) {
            return segment();
        }
        MemorySegment host = Arena.ofAuto().allocate(Math.max(bytes(), 1), 8).asSlice(0, bytes());
        if (isContiguous()) {
            device().download(host, new Device.Rows(address(), bytes()), bytes(), 1);
        } else {
            device().download(host, placeOfRows(), width() * type.bytes(), rows());
        }
        return host;
    }

    private float integer(MemorySegment bytes, int at) {
        return switch (type) {
            case U8 -> bytes.get(ValueLayout.JAVA_BYTE, at) & 0xFF;
            case I32 -> bytes.get(ValueLayout.JAVA_INT_UNALIGNED, 4L * at);
            case I64 -> bytes.get(ValueLayout.JAVA_LONG_UNALIGNED, 8L * at);
            case F32, BF16 -> throw new IllegalStateException("not an integer tensor: " + this);
        };
    }

    /// The bytes of a contiguous tensor in host memory.
    ///
    /// @throws IllegalStateException if the tensor lies on a device
    public MemorySegment segment() {
        requireContiguous("segment");
        if (!device().hostVisible()) {
            throw new IllegalStateException(
                    "%s lies on %s, where the host cannot see it".formatted(this, device().wire()));
        }
        return NativeMemory.at(address(), bytes());
    }

    private void requireContiguous(String what) {
        if (!isContiguous()) {
            throw new IllegalStateException("%s of rows with gaps: %s".formatted(what, this));
        }
    }

    private void requireMatrix() {
        if (shape.length != 2) {
            throw new IllegalStateException("not a matrix: " + this);
        }
    }

    /// Type and shape, as in `BF16[2048, 576]`.
    @Override
    public String toString() {
        return type + Arrays.toString(shape);
    }
}
