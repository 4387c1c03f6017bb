package dev.tunesmith.kernels.torch;

import dev.tunesmith.kernels.NativeLibrary;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;

/// The functions of libtorch's stable C interface that this project uses.
///
/// A tensor is a handle (the address of a C++ object) that the caller deletes. Handles made by
/// [#wrap] only describe foreign memory: deleting them frees no data.
public final class TorchAbi {

    /// The interface version that the argument lists here were written for, 2.10.
    private static final long WRITTEN_FOR = 0x020a_0000_0000_0000L;

    private static final MemoryLayout I64 = ValueLayout.JAVA_LONG;
    private static final MemoryLayout I32 = ValueLayout.JAVA_INT;
    private static final MemoryLayout F64 = ValueLayout.JAVA_DOUBLE;
    private static final MemoryLayout POINTER = ValueLayout.ADDRESS;
    private static final NativeLibrary LIBRARY = TorchLibrary.open();
    private static final TorchAbi INSTANCE = new TorchAbi();
    private static final int DIMENSIONS_MAX = 8;
    private static final int STACK_MAX = 32;

    private final MethodHandle wrap =
            status(
                    "aoti_torch_create_tensor_from_blob",
                    I64,
                    I64,
                    POINTER,
                    POINTER,
                    I64,
                    I32,
                    I32,
                    I32,
                    POINTER);
    private final MethodHandle delete = status("aoti_torch_delete_tensor_object", I64);
    private final MethodHandle duplicate = status("aoti_torch_new_tensor_handle", I64, POINTER);
    private final MethodHandle dataPointer = status("aoti_torch_get_data_ptr", I64, POINTER);
    private final MethodHandle mmOut = status("aoti_torch_cpu_mm_out", I64, I64, I64);
    private final MethodHandle addmmOut =
            status("aoti_torch_cpu_addmm_out", I64, I64, I64, I64, F64, F64);
    private final MethodHandle bmmOut = status("aoti_torch_cpu_bmm_out", I64, I64, I64);
    private final MethodHandle dispatch =
            status("torch_call_dispatcher", POINTER, POINTER, POINTER, I64);
    private final MethodHandle threads = function("torch_get_num_threads", I32, POINTER);
    private final AtomicLong liveHandles = new AtomicLong();
    private final ThreadLocal<Scratch> scratch = ThreadLocal.withInitial(Scratch::new);

    /// Code of the 32-bit float type.
    public final int float32 = code("aoti_torch_dtype_float32");

    /// Code of the bfloat16 type.
    public final int bfloat16 = code("aoti_torch_dtype_bfloat16");

    /// Code of the 32-bit integer type.
    public final int int32 = code("aoti_torch_dtype_int32");

    /// Code of the byte type.
    public final int uint8 = code("aoti_torch_dtype_uint8");

    /// Code of the 64-bit integer type.
    public final int int64 = code("aoti_torch_dtype_int64");

    private final Place cpu = new Place(code("aoti_torch_device_type_cpu"), 0);

    /// Where memory lies, in libtorch's codes.
    record Place(int type, int index) {}

    /// Argument memory of one thread: no call allocates.
    private static final class Scratch {
        private final Arena arena = Arena.ofAuto();
        private final MemorySegment sizes = arena.allocate(8L * DIMENSIONS_MAX, 8);
        private final MemorySegment strides = arena.allocate(8L * DIMENSIONS_MAX, 8);
        private final MemorySegment result = arena.allocate(8, 8);
        private final MemorySegment stack = arena.allocate(8L * STACK_MAX, 8);
    }

    private TorchAbi() {}

    /// The loaded library; the first call unpacks and opens it.
    public static TorchAbi get() {
        return INSTANCE;
    }

    /// Describes memory at `address` as a tensor. The memory must outlive the handle.
    public long wrap(long address, long[] sizes, long[] strides, int type) {
        return wrap(cpu, address, sizes, strides, type);
    }

    /// A CUDA device.
    Place cuda(int index) {
        return new Place(code("aoti_torch_device_type_cuda"), index);
    }

    /// The same for memory of a device.
    long wrap(Place place, long address, long[] sizes, long[] strides, int type) {
        Scratch room = scratch.get();
        for (int axis = 0; axis < sizes.length; axis++) {
            room.sizes.setAtIndex(ValueLayout.JAVA_LONG, axis, sizes[axis]);
            room.strides.setAtIndex(ValueLayout.JAVA_LONG, axis, strides[axis]);
        }
        int status;
        try {
            status =
                    (int)
                            wrap.invokeExact(
                                    address,
                                    (long) sizes.length,
                                    room.sizes,
                                    room.strides,
                                    0L,
                                    type,
                                    place.type,
                                    place.index,
                                    room.result);
        } catch (Throwable e) {
            throw new TorchException("create_tensor_from_blob", e);
        }
        if (status != 0) {
            throw new TorchException("create_tensor_from_blob", Arrays.toString(sizes));
        }
        liveHandles.getAndIncrement();
        return room.result.get(ValueLayout.JAVA_LONG, 0);
    }

    /// Deletes a handle.
    public void delete(long handle) {
        int status;
        try {
            status = (int) delete.invokeExact(handle);
        } catch (Throwable e) {
            throw new TorchException("delete_tensor_object", e);
        }
        if (status != 0) {
            throw new TorchException("delete_tensor_object", Long.toHexString(handle));
        }
        liveHandles.getAndDecrement();
    }

    /// Counts handles that another function of libtorch has given to the caller.
    void received(int handles) {
        long _ = liveHandles.addAndGet(handles);
    }

    /// Number of handles that somebody still has to delete.
    public long liveHandles() {
        return liveHandles.get();
    }

    /// `out = a · b` for matrices.
    public void mm(long out, long a, long b) {
        int status;
        try {
            status = (int) mmOut.invokeExact(out, a, b);
        } catch (Throwable e) {
            throw new TorchException("mm.out", e);
        }
        if (status != 0) {
            throw new TorchException("mm.out", "matrices");
        }
    }

    /// `out = beta · c + alpha · (a · b)` for matrices; `c` may be `out`.
    public void addmm(long out, long c, long a, long b, double beta, double alpha) {
        int status;
        try {
            status = (int) addmmOut.invokeExact(out, c, a, b, beta, alpha);
        } catch (Throwable e) {
            throw new TorchException("addmm.out", e);
        }
        if (status != 0) {
            throw new TorchException("addmm.out", "matrices");
        }
    }

    /// `out[i] = a[i] · b[i]` for stacks of matrices.
    public void bmm(long out, long a, long b) {
        int status;
        try {
            status = (int) bmmOut.invokeExact(out, a, b);
        } catch (Throwable e) {
            throw new TorchException("bmm.out", e);
        }
        if (status != 0) {
            throw new TorchException("bmm.out", "stacks of matrices");
        }
    }

    /// A second handle of the same tensor, for calls that take their argument away.
    public long duplicate(long handle) {
        Scratch room = scratch.get();
        int status;
        try {
            status = (int) duplicate.invokeExact(handle, room.result);
        } catch (Throwable e) {
            throw new TorchException("new_tensor_handle", e);
        }
        if (status != 0) {
            throw new TorchException("new_tensor_handle", Long.toHexString(handle));
        }
        liveHandles.getAndIncrement();
        return room.result.get(ValueLayout.JAVA_LONG, 0);
    }

    /// Address of a tensor's first element.
    public long dataAddress(long handle) {
        Scratch room = scratch.get();
        int status;
        try {
            status = (int) dataPointer.invokeExact(handle, room.result);
        } catch (Throwable e) {
            throw new TorchException("get_data_ptr", e);
        }
        if (status != 0) {
            throw new TorchException("get_data_ptr", Long.toHexString(handle));
        }
        return room.result.get(ValueLayout.JAVA_LONG, 0);
    }

    /// Calls any registered operator by name.
    ///
    /// Tensor arguments are taken away by the callee (see [#duplicate]); tensor results belong to
    /// the caller. Every argument must be given, also those with defaults.
    ///
    /// @param tensorsTaken how many of the arguments are tensor handles
    /// @param results number of results, all of them tensors
    public long[] call(
            String operator, String overload, long[] arguments, int tensorsTaken, int results) {
        Scratch room = scratch.get();
        for (int slot = 0; slot < arguments.length; slot++) {
            room.stack.setAtIndex(ValueLayout.JAVA_LONG, slot, arguments[slot]);
        }
        int status;
        try (Arena arena = Arena.ofConfined()) {
            status =
                    (int)
                            dispatch.invokeExact(
                                    arena.allocateFrom(operator),
                                    arena.allocateFrom(overload),
                                    room.stack,
                                    WRITTEN_FOR);
        } catch (Throwable e) {
            throw new TorchException(operator, e);
        }
        if (status != 0) {
            throw new TorchException(operator, Arrays.toString(arguments));
        }
        long _ = liveHandles.addAndGet((long) results - tensorsTaken);
        long[] handles = new long[results];
        for (int slot = 0; slot < results; slot++) {
            handles[slot] = room.stack.getAtIndex(ValueLayout.JAVA_LONG, slot);
        }
        return handles;
    }

    /// Threads that products run on.
    public int threads() {
        Scratch room = scratch.get();
        try {
            int status = (int) threads.invokeExact(room.result);
            if (status != 0) {
                throw new TorchException("get_num_threads", "");
            }
        } catch (TorchException e) {
            throw e;
        } catch (Throwable e) {
            throw new TorchException("get_num_threads", e);
        }
        return room.result.get(ValueLayout.JAVA_INT, 0);
    }

    private static int code(String name) {
        try {
            return (int) function(name, I32).invokeExact();
        } catch (Throwable e) {
            throw new TorchException(name, e);
        }
    }

    private static MethodHandle status(String name, MemoryLayout... arguments) {
        return function(name, I32, arguments);
    }

    private static MethodHandle function(
            String name, MemoryLayout result, MemoryLayout... arguments) {
        return LIBRARY.function(name, FunctionDescriptor.of(result, arguments));
    }
}
