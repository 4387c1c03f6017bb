package dev.tunesmith.kernels.cuda;

import dev.tunesmith.kernels.Dispatch;
import dev.tunesmith.kernels.Invocation;
import dev.tunesmith.kernels.KernelException;
import dev.tunesmith.kernels.NativeDirectory;
import dev.tunesmith.kernels.NativeLibrary;
import dev.tunesmith.kernels.NativeSignature;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The opened library of CUDA kernels, and what it knows of the machine's devices.
///
/// It carries the CUDA runtime in itself; the driver is found when a function is called, so opening
/// it works on any machine.
public final class CudaLibrary {
    private static final String RESOURCE = "native/linux-x86_64/libtunesmith_cuda.so";
    private static final int ERROR = 1000;

    /// cudaErrorMemoryAllocation.
    private static final int OUT_OF_MEMORY = ERROR + 2;

    /// A library file to be used instead of the one of this build.
    private static final String FILE_SETTING = "TUNESMITH_CUDA_KERNELS";

    private final NativeLibrary library;
    private final MethodHandle devices;
    private final MethodHandle describe;
    private final MethodHandle errorText;

    private CudaLibrary(NativeLibrary library) {
        this.library = library;
        this.devices = function("ts_cuda_devices", "il");
        this.describe = function("ts_cuda_describe", "iill");
        this.errorText = function("ts_cuda_error", "li");
    }

    /// Opens a library file.
    public static CudaLibrary open(Path file) {
        return new CudaLibrary(NativeLibrary.open(file));
    }

    /// The library that `TUNESMITH_CUDA_KERNELS` names, else that of this build.
    public static Optional<CudaLibrary> find(Map<String, String> environment) {
        String file = environment.get(FILE_SETTING);
        return file == null ? packaged() : Optional.of(open(Path.of(file)));
    }

    /// The library of this build; empty if no CUDA compiler was there when it was built.
    public static Optional<CudaLibrary> packaged() {
        if (CudaLibrary.class.getClassLoader().getResource(RESOURCE) == null) {
            return Optional.empty();
        }
        NativeDirectory directory = NativeDirectory.of(System.getenv());
        Path folder = directory.unpack("cuda", List.of(RESOURCE));
        return Optional.of(open(folder.resolve("libtunesmith_cuda.so")));
    }

    /// What a device is.
    ///
    /// @param capability ten times the compute capability: 80 for 8.0
    public record Device(
            int index, String name, long memoryBytes, int capability, int multiprocessors) {}

    /// The devices that the driver offers.
    ///
    /// @throws KernelException with the driver's reason if there are none
    public List<Device> devices() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment count = arena.allocate(ValueLayout.JAVA_INT);
            check("ts_cuda_devices", () -> (int) devices.invokeExact(count.address()));
            Device[] all = new Device[count.get(ValueLayout.JAVA_INT, 0)];
            Arrays.setAll(all, index -> describe(index, arena));
            return List.of(all);
        }
    }

    private Device describe(int index, Arena arena) {
        MemorySegment name = arena.allocate(256);
        MemorySegment numbers = arena.allocate(ValueLayout.JAVA_LONG, 3);
        check(
                "ts_cuda_describe",
                () -> (int) describe.invokeExact(index, name.address(), numbers.address()));
        return new Device(
                index,
                name.getString(0),
                numbers.getAtIndex(ValueLayout.JAVA_LONG, 0),
                (int) numbers.getAtIndex(ValueLayout.JAVA_LONG, 1),
                (int) numbers.getAtIndex(ValueLayout.JAVA_LONG, 2));
    }

    /// The targets that there is code for; the last one also in a form for later devices.
    public List<Integer> targets() {
        MethodHandle targets = function("ts_cuda_targets", "l");
        String text =
                text(Invocation.number("ts_cuda_targets", () -> (long) targets.invokeExact()));
        return Arrays.stream(text.split(" ")).map(Integer::valueOf).toList();
    }

    /// Whether code for one of the targets runs on a device: the same major number with a minor
    /// that is not larger, or anything later than the last target.
    public boolean runsOn(Device device) {
        List<Integer> targets = targets();
        return device.capability() >= targets.getLast()
                || targets.stream()
                        .anyMatch(target ->
                                target / 10 == device.capability() / 10
                                        && target <= device.capability());
    }

    /// Work on a device, in order.
    public CudaStream stream(int device) {
        return new CudaStream(this, device);
    }

    MethodHandle function(String symbol, String signature) {
        return library.function(symbol, NativeSignature.descriptor(signature));
    }

    /// The operations with their last argument, who works, being that stream. One that devices do
    /// not have yet can be looked up but not called.
    Dispatch.Target operations(long stream) {
        return (symbol, signature) -> {
            int last = signature.length() - 2;
            boolean works = signature.charAt(0) == 'i';
            String there = works ? signature.substring(0, last + 1) + "l" : signature;
            return library.find(symbol, NativeSignature.descriptor(there))
                    .map(handle -> works ? onStream(handle, last, stream) : handle)
                    .orElseGet(() -> missing(symbol, signature));
        };
    }

    private static MethodHandle onStream(MethodHandle handle, int last, long stream) {
        return MethodHandles.dropArguments(
                MethodHandles.insertArguments(handle, last, stream), last, int.class);
    }

    private static MethodHandle missing(String symbol, String signature) {
        MethodType type = NativeSignature.descriptor(signature).toMethodType();
        MethodHandle refusal =
                MethodHandles.throwException(type.returnType(), KernelException.class)
                        .bindTo(
                                new KernelException(
                                        KernelException.Code.BAD_ARGUMENT,
                                        "%s runs on the CPU alone; use another optimizer or form, or the device cpu"
                                                .formatted(symbol)));
        return MethodHandles.dropArguments(refusal, 0, type.parameterList());
    }

    /// Throws what the runtime says about a status that is not 0.
    void check(String function, Invocation.IntCall call) {
        int status = Invocation.status(function, call);
        if (status != 0) {
            throw new KernelException(
                    status == OUT_OF_MEMORY
                            ? KernelException.Code.MEMORY
                            : KernelException.Code.CALL,
                    "%s: %s".formatted(function, error(status)));
        }
    }

    /// The runtime's text for the status of an operation or function.
    public String error(int status) {
        return status < ERROR
                ? "status " + status
                : text(
                        Invocation.number(
                                "ts_cuda_error", () -> (long) errorText.invokeExact(status)));
    }

    @SuppressWarnings("restricted")
    private static String text(long address) {
        return MemorySegment.ofAddress(address).reinterpret(Long.MAX_VALUE).getString(0);
    }
}
