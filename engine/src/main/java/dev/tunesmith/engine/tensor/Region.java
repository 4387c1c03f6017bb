package dev.tunesmith.engine.tensor;

import dev.tunesmith.kernels.NativeMemory;
import dev.tunesmith.kernels.torch.TorchAbi;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Owns the memory of tensors and every libtorch handle made for them.
///
/// A *lasting* region (parameters, optimizer state, a loaded model) has memory of its own. A *step*
/// region is a stretch of a [StepArena]. Closing either ends all its tensors at once.
public final class Region implements AutoCloseable {

    /// Vector loads of 64 bytes never cross a line.
    private static final long ALIGNMENT = 64;

    private static final long OWN_BLOCK_BYTES = 32L << 20;

    private final String name;
    private final Source source;
    private final List<Object> keptAlive = new ArrayList<>();
    private final List<NativeMemory> hostBlocks = new ArrayList<>();
    private long[] handles = new long[8];
    private int handleCount;
    private long viewedBytes;
    private boolean open = true;

    /// Where a region gets bytes from and how it gives them back.
    interface Source {
        Device device();

        long take(Region taker, long bytes);

        void giveBack(Region region);
    }

    Region(String name, Source source) {
        this.name = name;
        this.source = source;
    }

    /// A region with memory of its own on the current device, freed by [#close].
    public static Region lasting(String name) {
        return lasting(name, Device.current());
    }

    /// A region with memory of its own on a device.
    public static Region lasting(String name, Device device) {
        return new Region(name, new OwnBlocks(device));
    }

    /// A region whose memory is a mapped file, gone after [#close]; only for the CPU.
    ///
    /// @param file that must not exist
    public static Region onDisk(String name, Path file) {
        if (!Device.current().hostVisible()) {
            throw new DeviceException(
                    "%s on disk: only the CPU reads tensors there".formatted(name));
        }
        return new Region(name, new MappedBlocks(file));
    }

    /// Where its tensors lie.
    public Device device() {
        return source.device();
    }

    /// Host memory that lives as long as the region, whatever the device: what launches read.
    public MemorySegment onHost(long bytes) {
        if (device().hostVisible()) {
            return tensor(DType.U8, bytes).segment();
        }
        requireOpen();
        NativeMemory memory = NativeMemory.allocate(bytes);
        hostBlocks.add(memory);
        return memory.segment().asSlice(0, bytes);
    }

    /// A tensor with unspecified content.
    public Tensor tensor(DType type, long... shape) {
        requireOpen();
        long bytes = Tensor.elements(shape) * type.bytes();
        return new Tensor(this, source.take(this, aligned(bytes)), type, shape);
    }

    /// A tensor of zeros.
    public Tensor zeros(DType type, long... shape) {
        Tensor tensor = tensor(type, shape);
        tensor.clear();
        return tensor;
    }

    /// A 32-bit float tensor with the given values.
    public Tensor floats(float[] values, long... shape) {
        Tensor tensor = tensor(DType.F32, shape);
        tensor.set(values);
        return tensor;
    }

    /// An integer tensor with the given values.
    public Tensor ints(int... values) {
        Tensor tensor = tensor(DType.I32, values.length);
        tensor.set(values);
        return tensor;
    }

    /// A 64-bit integer tensor with the given values.
    public Tensor longs(long... values) {
        Tensor tensor = tensor(DType.I64, values.length);
        tensor.set(values);
        return tensor;
    }

    /// A copy of `other` in this region.
    public Tensor copy(Tensor other) {
        Tensor tensor = tensor(other.type(), other.shape());
        tensor.copyFrom(other);
        return tensor;
    }

    /// A tensor over bytes that belong to somebody else, for example a mapped file. `bytes` stays
    /// reachable as long as the region does; the caller keeps it mapped. A device that cannot see
    /// them gets a copy.
    public Tensor view(MemorySegment bytes, DType type, long... shape) {
        requireOpen();
        long expected = Tensor.elements(shape) * type.bytes();
        if (bytes.byteSize() != expected) {
            throw new IllegalArgumentException(
                    "%d bytes cannot be a %s tensor of shape %s"
                            .formatted(bytes.byteSize(), type, Arrays.toString(shape)));
        }
        if (!device().hostVisible()) {
            Tensor copy = tensor(type, shape);
            copy.setBytes(bytes);
            return copy;
        }
        keptAlive.add(bytes);
        viewedBytes += expected;
        MemoryUse.add(expected);
        return new Tensor(this, bytes.address(), type, shape);
    }

    /// Whether tensors of this region may still be used.
    public boolean isOpen() {
        return open;
    }

    /// What the region is for; appears in errors.
    public String name() {
        return name;
    }

    void requireOpen() {
        if (!open) {
            throw new IllegalStateException(
                    "tensor used after its region ended (%s)".formatted(name));
        }
    }

    /// Registers a libtorch handle that is deleted with the region.
    long adopt(long handle) {
        if (handleCount == handles.length) {
            handles = Arrays.copyOf(handles, handleCount * 2);
        }
        handles[handleCount++] = handle;
        return handle;
    }

    /// Ends all tensors of the region. A second call does nothing.
    ///
    /// @throws IllegalStateException when a region inside is still open; this one then stays open
    ///   too
    @Override
    public void close() {
        if (!open) {
            return;
        }
        source.giveBack(this);
        open = false;
        MemoryUse.add(-viewedBytes);
        deleteHandles();
        keptAlive.clear();
        hostBlocks.forEach(NativeMemory::close);
        hostBlocks.clear();
    }

    /// Opens libtorch only where it was used: that takes 0.3 s and 100 MiB.
    private void deleteHandles() {
        if (handleCount == 0) {
            return;
        }
        TorchAbi torch = TorchAbi.get();
        for (int i = 0; i < handleCount; i++) {
            torch.delete(handles[i]);
        }
        handleCount = 0;
    }

    private static long aligned(long bytes) {
        return Math.ceilDiv(Math.max(bytes, 1), ALIGNMENT) * ALIGNMENT;
    }

    /// Blocks that belong to one lasting region: small tensors share one, large ones get their own.
    private static final class OwnBlocks implements Source {
        private final Device device;
        private final List<Device.Block> blocks = new ArrayList<>();
        private long next;
        private long end;
        private long takenBytes;

        OwnBlocks(Device device) {
            this.device = device;
        }

        @Override
        public Device device() {
            return device;
        }

        @Override
        public long take(Region taker, long bytes) {
            takenBytes += bytes;
            MemoryUse.add(bytes);
            if (bytes > OWN_BLOCK_BYTES / 2) {
                Device.Block block = device.allocate(bytes);
                blocks.add(block);
                return block.address();
            }
            if (end - next < bytes) {
                Device.Block block = device.allocate(OWN_BLOCK_BYTES);
                blocks.add(block);
                next = block.address();
                end = next + block.bytes();
            }
            long address = next;
            next += bytes;
            return address;
        }

        @Override
        public void giveBack(Region region) {
            MemoryUse.add(-takenBytes);
            blocks.forEach(Device.Block::close);
        }
    }
}
