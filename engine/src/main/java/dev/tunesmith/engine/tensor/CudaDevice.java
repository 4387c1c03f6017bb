package dev.tunesmith.engine.tensor;

import dev.tunesmith.kernels.KernelException;
import dev.tunesmith.kernels.cuda.CuBlas;
import dev.tunesmith.kernels.cuda.CudaLibrary;
import dev.tunesmith.kernels.cuda.CudaStream;
import dev.tunesmith.kernels.torch.FlashAttention;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.function.Supplier;

/// A CUDA device and the one stream that all work of the process goes through.
///
/// Only [#download], large uploads, taking and giving back memory wait for the device. Matrix
/// products are cuBLAS's where it was found, else the own kernel's.
public final class CudaDevice implements Device {

    private final CudaLibrary.Device description;
    private final CudaStream stream;
    private final Optional<CuBlas> products;
    private final FoundAttention attention;
    private final PinnedRing ring;

    private CudaDevice(
            CudaLibrary.Device description,
            CudaStream stream,
            Optional<CuBlas> products,
            FoundAttention attention) {
        this.description = description;
        this.stream = stream;
        this.products = products;
        this.attention = attention;
        this.ring = new PinnedRing(stream);
    }

    /// Opens a device of this machine.
    ///
    /// @throws DeviceException which says what is missing and what to do about it
    public static CudaDevice open(int index) {
        CudaLibrary library =
                CudaLibrary.find(System.getenv())
                        .orElseThrow(() ->
                                new DeviceException(
                                        "this build has no CUDA kernels: run kernels/cuda-compiler"
                                                + " --install and build again, or use the device"
                                                + " cpu"));
        Map<String, String> environment = System.getenv();
        return open(
                library,
                index,
                () -> CuBlas.find(environment),
                stream -> FoundAttention.find(environment, stream, index));
    }

    /// The first device that the kernels run on; empty where there is none, whatever the reason.
    static Optional<CudaDevice> first() {
        try {
            Optional<CudaLibrary> library = CudaLibrary.find(System.getenv());
            return library.flatMap(
                            found -> found.devices().stream().filter(found::runsOn).findFirst())
                    .map(device -> open(device.index()));
        } catch (KernelException _) {
            return Optional.empty();
        }
    }

    /// Opens a device through a given library.
    ///
    /// @param blas finds cuBLAS once the device is in use, on which its handle then is; without it
    ///   the own kernel multiplies
    public static CudaDevice open(CudaLibrary library, int index, Supplier<Optional<CuBlas>> blas) {
        return open(library, index, blas, _ -> FoundAttention.NONE);
    }

    private static CudaDevice open(
            CudaLibrary library,
            int index,
            Supplier<Optional<CuBlas>> blas,
            Function<CudaStream, FoundAttention> attention) {
        List<CudaLibrary.Device> devices;
        try {
            devices = library.devices();
        } catch (KernelException e) {
            throw new DeviceException(
                    "no CUDA device can be used (%s): install a driver of version 580 or later, see that nvidia-smi lists a GPU, or use the device cpu"
                            .formatted(e.getMessage()),
                    e);
        }
        if (index < 0 || index >= devices.size()) {
            throw new DeviceException(
                    "there is no device cuda:%d, the driver offers %s"
                            .formatted(index, names(devices)));
        }
        CudaLibrary.Device device = devices.get(index);
        if (!library.runsOn(device)) {
            throw new DeviceException(
                    "the CUDA kernels are compiled for the compute capabilities %s and later ones, not for %d of '%s'; use another GPU or the device cpu"
                            .formatted(library.targets(), device.capability(), device.name()));
        }
        CudaStream stream = library.stream(index);
        Optional<CuBlas> products = blas.get();
        products.ifPresent(found -> found.use(stream));
        return new CudaDevice(device, stream, products, attention.apply(stream));
    }

    private static String names(List<CudaLibrary.Device> devices) {
        return devices.isEmpty()
                ? "none"
                : String.join(
                        ", ",
                        devices.stream().map(d -> "cuda:" + d.index() + " " + d.name()).toList());
    }

    /// What the device is.
    public CudaLibrary.Device description() {
        return description;
    }

    /// Matrix products by cuBLAS, if it is there.
    public Optional<CuBlas> products() {
        return products;
    }

    /// Attention of other libraries, if one is there.
    public FoundAttention attention() {
        return attention;
    }

    /// Attention by libtorch, as far as it was found and is wanted. `TUNESMITH_ATTENTION` says what
    /// is wanted: `own` kernels alone, libtorch's `forward`, or its `flash` kernels in both ways,
    /// whose gradients do not repeat bit for bit.
    public record FoundAttention(Optional<FlashAttention> flash, boolean backward) {
        private static final FoundAttention NONE = new FoundAttention(Optional.empty(), false);
        private static final String SETTING = "TUNESMITH_ATTENTION";

        /// The name in manifests: whose kernels may compute.
        public String wire() {
            if (flash.isEmpty()) {
                return "own";
            }
            return backward ? "libtorch" : "libtorch forward";
        }

        private static FoundAttention find(
                Map<String, String> environment, CudaStream stream, int index) {
            String wanted = environment.getOrDefault(SETTING, "forward");
            return switch (wanted) {
                case "own" -> NONE;
                case "forward", "flash" ->
                        new FoundAttention(
                                FlashAttention.find(environment, stream, index),
                                wanted.equals("flash"));
                default ->
                        throw new DeviceException(
                                "%s is '%s', but own, forward and flash are known"
                                        .formatted(SETTING, wanted));
            };
        }
    }

    @Override
    public OptionalLong freeBytes() {
        return OptionalLong.of(stream.freeBytes());
    }

    @Override
    public void begin() {
        stream.use();
    }

    @Override
    public void enter() {
        stream.enter();
    }

    @Override
    public String describe() {
        return "%s (%s)".formatted(wire(), description.name());
    }

    @Override
    public void await() {
        stream.await();
    }

    @Override
    public boolean hostVisible() {
        return false;
    }

    @Override
    public String wire() {
        return "cuda:" + description.index();
    }

    @Override
    public Block allocate(long bytes) {
        long address = taken(Math.max(bytes, 1));
        return new Block() {
            @Override
            public long address() {
                return address;
            }

            @Override
            public long bytes() {
                return bytes;
            }

            @Override
            public void close() {
                stream.release(address);
            }
        };
    }

    /// What a host without memory throws, so that callers need one answer for both.
    private long taken(long bytes) {
        try {
            return stream.allocate(bytes);
        } catch (KernelException e) {
            if (e.code() != KernelException.Code.MEMORY) {
                throw e;
            }
            throw new OutOfMemoryError(
                    "%s has no %d bytes, only %d are free"
                            .formatted(describe(), bytes, stream.freeBytes()));
        }
    }

    private static CudaStream.Rows rows(Rows rows) {
        return new CudaStream.Rows(rows.address(), rows.stride());
    }

    @Override
    public void copy(Rows to, Rows from, long width, long rows) {
        stream.copy(rows(to), rows(from), width, rows);
    }

    /// Small ones go through pinned memory, and nobody waits. Large ones are waited for: whether
    /// the runtime has read all of `from` when its call returns depends on machine and driver.
    @Override
    public void upload(Rows to, MemorySegment from, long width, long rows) {
        OptionalLong pinned = ring.put(from);
        long address = pinned.orElse(from.address());
        stream.copy(rows(to), new CudaStream.Rows(address, width), width, rows);
        if (pinned.isEmpty()) {
            stream.await();
        }
    }

    @Override
    public void download(MemorySegment to, Rows from, long width, long rows) {
        stream.copy(new CudaStream.Rows(to.address(), width), rows(from), width, rows);
        stream.await();
    }

    @Override
    public void clear(long address, long bytes) {
        stream.clear(address, bytes);
    }
}
