package dev.tunesmith.engine.tensor;

import dev.tunesmith.kernels.NativeMemory;
import dev.tunesmith.kernels.cpu.CpuKernels;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Where tensors lie and operations run: the CPU, or a CUDA device.
///
/// A process computes on one device, [#current], chosen before the first tensor exists; regions
/// remember the device that they were opened on. Layers, tape, objectives and optimizers know
/// nothing of it: tensors are written and read through it, and operations follow it by [Dispatch].
public sealed interface Device permits Device.Cpu, CudaDevice {

    /// The CPU.
    Device CPU = new Cpu();

    /// The device of this process.
    static Device current() {
        return Chosen.DEVICE.get();
    }

    /// The device of a name in a setting: `cpu`, `cuda` (the first), `cuda:N`, or `auto`, which is
    /// the first CUDA device that can be used and else the CPU.
    ///
    /// @throws DeviceException which says why it cannot be used
    static Device named(String name) {
        if (name.equals("cpu")) {
            return CPU;
        }
        if (name.equals("auto")) {
            Optional<CudaDevice> cuda = CudaDevice.first();
            return cuda.isPresent() ? cuda.get() : CPU;
        }
        Matcher cuda = Pattern.compile("cuda(?::(\\d{1,3}))?").matcher(name);
        if (!cuda.matches()) {
            throw new DeviceException(
                    "the device '%s' is neither cpu nor cuda nor cuda:N nor auto".formatted(name));
        }
        return CudaDevice.open(cuda.group(1) == null ? 0 : Integer.parseInt(cuda.group(1)));
    }

    /// Makes a device the one that new regions and all operations use. Not while a tensor of
    /// another device is to be used again.
    static void use(Device device) {
        Chosen.DEVICE.set(device);
        device.begin();
    }

    /// Turns all operations to this device.
    void begin();

    /// Lets the calling thread, which did not choose the device, work on it.
    void enter();

    /// Bytes that the device still has for tensors, where it tells.
    OptionalLong freeBytes();

    /// The name for people: `cpu`, or `cuda:0 (NVIDIA H100 80GB HBM3)`.
    String describe();

    /// Whether the host may touch the memory of tensors.
    boolean hostVisible();

    /// The name in settings, logs and manifests: `cpu` or `cuda:0`.
    String wire();

    /// Memory for tensors, at least that many bytes.
    Block allocate(long bytes);

    /// Memory whose pages are first touched in the midst of a step, which waits for them.
    default Block allocateForStep(long bytes) {
        return allocate(bytes);
    }

    /// Rows of bytes from one tensor to another.
    void copy(Rows to, Rows from, long width, long rows);

    /// Rows of bytes into a tensor; `from` may be changed afterwards.
    void upload(Rows to, MemorySegment from, long width, long rows);

    /// Rows of bytes out of a tensor, after all work that writes it.
    void download(MemorySegment to, Rows from, long width, long rows);

    /// Writes zeros.
    void clear(long address, long bytes);

    /// Waits until all operations so far are done; throws what failed in them.
    void await();

    /// Where rows lie: `stride` bytes apart.
    record Rows(long address, long stride) {}

    /// Memory that ends when it is closed.
    interface Block extends AutoCloseable {
        /// First byte.
        long address();

        /// Usable bytes.
        long bytes();

        /// Makes bytes ready that nobody has touched yet, where the first touch takes time.
        default void makeReady(long offset, long length) {}

        @Override
        void close();
    }

    /// The device that was chosen.
    final class Chosen {
        private static final AtomicReference<Device> DEVICE = new AtomicReference<>(CPU);

        private Chosen() {}
    }

    /// Tensors in the memory of the process.
    final class Cpu implements Device {
        private Cpu() {}

        @Override
        public void begin() {
            CpuKernels.use();
        }

        @Override
        public void enter() {}

        @Override
        public OptionalLong freeBytes() {
            return OptionalLong.empty();
        }

        @Override
        public String describe() {
            return wire();
        }

        @Override
        public boolean hostVisible() {
            return true;
        }

        /// Every operation is done when it returns.
        @Override
        public void await() {}

        @Override
        public String wire() {
            return "cpu";
        }

        @Override
        public Block allocate(long bytes) {
            return block(NativeMemory.allocate(bytes));
        }

        @Override
        public Block allocateForStep(long bytes) {
            return block(NativeMemory.allocate(bytes, NativeMemory.Pages.ORDINARY));
        }

        private static Block block(NativeMemory memory) {
            return new Block() {
                @Override
                public long address() {
                    return memory.address();
                }

                @Override
                public long bytes() {
                    return memory.bytes();
                }

                @Override
                public void makeReady(long offset, long length) {
                    memory.makeReady(offset, length);
                }

                @Override
                public void close() {
                    memory.close();
                }
            };
        }

        @Override
        public void copy(Rows to, Rows from, long width, long rows) {
            if (to.stride == width && from.stride == width) {
                MemorySegment.copy(
                        NativeMemory.at(from.address, width * rows),
                        0,
                        NativeMemory.at(to.address, width * rows),
                        0,
                        width * rows);
                return;
            }
            for (long row = 0; row < rows; row++) {
                MemorySegment.copy(
                        NativeMemory.at(from.address + row * from.stride, width),
                        0,
                        NativeMemory.at(to.address + row * to.stride, width),
                        0,
                        width);
            }
        }

        @Override
        public void upload(Rows to, MemorySegment from, long width, long rows) {
            copy(to, new Rows(from.address(), width), width, rows);
        }

        @Override
        public void download(MemorySegment to, Rows from, long width, long rows) {
            copy(new Rows(to.address(), width), from, width, rows);
        }

        @Override
        public void clear(long address, long bytes) {
            NativeMemory.at(address, bytes).fill((byte) 0);
        }
    }
}
