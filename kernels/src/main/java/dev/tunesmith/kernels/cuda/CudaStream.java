package dev.tunesmith.kernels.cuda;

import dev.tunesmith.kernels.Dispatch;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/// Work on one device that is done in the order it was asked for, and the device's memory.
///
/// One thread at a time uses it: the one that opened it, or that has called [#enter]. Nothing but
/// [#await], [#allocate] and [#release] waits for the device.
public final class CudaStream implements AutoCloseable {
    private final CudaLibrary library;
    private final int device;
    private final Functions functions;
    private final long handle;

    private record Functions(
            MethodHandle allocate,
            MethodHandle release,
            MethodHandle allocateHost,
            MethodHandle releaseHost,
            MethodHandle copy,
            MethodHandle clear,
            MethodHandle await,
            MethodHandle close,
            MethodHandle freeMemory,
            MethodHandle enter) {
        static Functions of(CudaLibrary library) {
            return new Functions(
                    library.function("ts_cuda_allocate", "ill"),
                    library.function("ts_cuda_release", "il"),
                    library.function("ts_cuda_allocate_host", "ill"),
                    library.function("ts_cuda_release_host", "il"),
                    library.function("ts_cuda_copy", "illllll" + "l"),
                    library.function("ts_cuda_clear", "illl"),
                    library.function("ts_cuda_wait", "il"),
                    library.function("ts_cuda_close_stream", "il"),
                    library.function("ts_cuda_free_memory", "il"),
                    library.function("ts_cuda_use", "ii"));
        }
    }

    CudaStream(CudaLibrary library, int device) {
        this.library = library;
        this.device = device;
        this.functions = Functions.of(library);
        MethodHandle open = library.function("ts_cuda_open_stream", "il");
        enter();
        this.handle =
                written(
                        "ts_cuda_open_stream",
                        address -> (int) open.invokeExact(address.address()));
    }

    /// Lets the calling thread work on the device: what a thread means by "the device" is its own.
    public void enter() {
        library.check("ts_cuda_use", () -> (int) functions.enter.invokeExact(device));
    }

    /// Turns every operation to this stream.
    public void use() {
        Dispatch.use(library.operations(handle));
    }

    /// What other CUDA libraries know the stream by.
    public long handle() {
        return handle;
    }

    /// Bytes of device memory.
    public long allocate(long bytes) {
        return written(
                "ts_cuda_allocate of %d bytes".formatted(bytes),
                address -> (int) functions.allocate.invokeExact(address.address(), bytes));
    }

    /// Gives device memory back, after all work that uses it.
    public void release(long address) {
        library.check("ts_cuda_release", () -> (int) functions.release.invokeExact(address));
    }

    /// Bytes of host memory that copies can use while the host goes on.
    public long allocateHost(long bytes) {
        return written(
                "ts_cuda_allocate_host of %d bytes".formatted(bytes),
                address -> (int) functions.allocateHost.invokeExact(address.address(), bytes));
    }

    /// Gives host memory of [#allocateHost] back.
    public void releaseHost(long address) {
        library.check(
                "ts_cuda_release_host", () -> (int) functions.releaseHost.invokeExact(address));
    }

    /// Rows of bytes from one place to another; either may be the host's.
    public void copy(Rows to, Rows from, long width, long rows) {
        library.check(
                "ts_cuda_copy",
                () ->
                        (int)
                                functions.copy.invokeExact(
                                        to.address,
                                        to.stride,
                                        from.address,
                                        from.stride,
                                        width,
                                        rows,
                                        handle));
    }

    /// Where rows of bytes lie.
    public record Rows(long address, long stride) {}

    /// Writes zeros.
    public void clear(long address, long bytes) {
        library.check(
                "ts_cuda_clear", () -> (int) functions.clear.invokeExact(address, bytes, handle));
    }

    /// Waits until all work is done; throws what failed in it.
    public void await() {
        library.check("work on the device", () -> (int) functions.await.invokeExact(handle));
    }

    /// Bytes of device memory that nobody has.
    public long freeBytes() {
        return written(
                "ts_cuda_free_memory",
                address -> (int) functions.freeMemory.invokeExact(address.address()));
    }

    private long written(String function, Writing call) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment place = arena.allocate(ValueLayout.JAVA_LONG);
            library.check(function, () -> call.run(place));
            return place.get(ValueLayout.JAVA_LONG, 0);
        }
    }

    @FunctionalInterface
    private interface Writing {
        int run(MemorySegment place) throws Throwable;
    }

    @Override
    public void close() {
        library.check("ts_cuda_close_stream", () -> (int) functions.close.invokeExact(handle));
    }
}
