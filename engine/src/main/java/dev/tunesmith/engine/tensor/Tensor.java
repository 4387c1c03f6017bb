package dev.tunesmith.engine.tensor;

import dev.tunesmith.kernels.NativeMemory;
import dev.tunesmith.kernels.torch.TorchAbi;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

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
        segment().fill((byte) 0);
    }

    /// Copies all elements of a tensor of the same type and number of elements.
    public void copyFrom(Tensor other) {
        if (other.type != type || other.elements() != elements()) {
            throw new IllegalArgumentException("cannot copy %s into %s".formatted(other, this));
        }
        if (isContiguous() && other.isContiguous()) {
            MemorySegment.copy(other.segment(), 0, segment(), 0, bytes());
            return;
        }
        long rowBytes = width() * type.bytes();
        for (long row = 0; row < rows(); row++) {
            MemorySegment.copy(
                    NativeMemory.at(
                            other.address() + row * other.rowStride * type.bytes(), rowBytes),
                    0,
                    NativeMemory.at(address() + row * rowStride * type.bytes(), rowBytes),
                    0,
                    rowBytes);
        }
    }

    /// Writes float values, rounding to the nearest even bfloat16 where that is the type.
    public void set(float[] values) {
        if (values.length != elements()) {
            throw new IllegalArgumentException("%d values for %s".formatted(values.length, this));
        }
        requireContiguous("set");
        MemorySegment bytes = segment();
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
    }

    /// Writes integer values.
    public void set(int[] values) {
        if (type != DType.I32 || values.length != elements()) {
            throw new IllegalArgumentException("%d integers for %s".formatted(values.length, this));
        }
        MemorySegment.copy(values, 0, segment(), ValueLayout.JAVA_INT_UNALIGNED, 0, values.length);
    }

    /// Writes 64-bit integer values.
    public void set(long[] values) {
        if (type != DType.I64 || values.length != elements()) {
            throw new IllegalArgumentException(
                    "%d long integers for %s".formatted(values.length, this));
        }
        MemorySegment.copy(values, 0, segment(), ValueLayout.JAVA_LONG_UNALIGNED, 0, values.length);
    }

    /// All elements as Java floats, row after row.
    public float[] toFloats() {
        int width = Math.toIntExact(width());
        float[] values = new float[Math.toIntExact(elements())];
        for (int row = 0; row < rows(); row++) {
            MemorySegment bytes =
                    NativeMemory.at(
                            address() + row * rowStride * type.bytes(),
                            (long) width * type.bytes());
            int to = row * width;
            switch (type) {
                case F32 -> MemorySegment.copy(bytes, BITS32, 0, values, to, width);
                case BF16 -> {
                    for (int i = 0; i < width; i++) {
                        values[to + i] = Bfloat16.toFloat(bytes.get(BITS16, 2L * i));
                    }
                }
                case U8, I32, I64 -> {
                    for (int i = 0; i < width; i++) {
                        values[to + i] = integer(bytes, i);
                    }
                }
            }
        }
        return values;
    }

    private float integer(MemorySegment bytes, int at) {
        return switch (type) {
            case U8 -> bytes.get(ValueLayout.JAVA_BYTE, at) & 0xFF;
            case I32 -> bytes.get(ValueLayout.JAVA_INT_UNALIGNED, 4L * at);
            case I64 -> bytes.get(ValueLayout.JAVA_LONG_UNALIGNED, 8L * at);
            case F32, BF16 -> throw new IllegalStateException("not an integer tensor: " + this);
        };
    }

    /// The bytes of a contiguous tensor.
    public MemorySegment segment() {
        requireContiguous("segment");
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
