package dev.tunesmith.kernels.torch;

import dev.tunesmith.kernels.Invocation;
import dev.tunesmith.kernels.NativeLibrary;
import dev.tunesmith.kernels.NativeSignature;
import dev.tunesmith.kernels.cpu.Attention;
import dev.tunesmith.kernels.cpu.Element;
import dev.tunesmith.kernels.cpu.Strided;
import dev.tunesmith.kernels.cuda.CudaStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Attention over packed documents by the flash kernels of a libtorch for CUDA (FlashAttention-2,
/// arXiv 2307.08691), in place of the own ones where they can.
///
/// Tensors of libtorch are described over our memory and work on our stream; what it allocates for
/// results is copied and given back at once. Gradients of queries are added in an order that
/// differs from run to run, so they do not repeat bit for bit.
public final class FlashAttention {
    /// Query, key, value, two starts, two lengths, dropout, causal, debug mask, scale, window left
    /// and right, keys in use, slopes; five results.
    static final String FORWARD = "i" + "lllll" + "ll" + "d" + "ii" + "lllll" + "lllll";

    /// Gradient, query, key, value, output, denominators, two starts, two lengths, dropout, causal,
    /// state and rest of the random numbers, scale, window left and right; three results.
    static final String BACKWARD = "i" + "llllllll" + "ll" + "d" + "i" + "ll" + "lll" + "lll";

    static final String FORWARD_SYMBOL = "aoti_torch_cuda__flash_attention_forward";
    static final String BACKWARD_SYMBOL = "aoti_torch_cuda__flash_attention_backward";

    private static final int WIDTH_MAX = 128;

    /// Elements of 16 bytes, which the kernels load at once.
    private static final int PACK = 8;

    private static final int BF16_BYTES = 2;

    private final TorchAbi torch;
    private final CudaStream stream;
    private final int device;
    private final MethodHandle forward;
    private final MethodHandle backward;
    private final MethodHandle openGuard;
    private final MethodHandle closeGuard;
    private final int randomType;

    private FlashAttention(NativeLibrary library, CudaStream stream, int device) {
        this.torch = TorchAbi.get();
        this.stream = stream;
        this.device = device;
        this.forward = function(library, FORWARD_SYMBOL, FORWARD);
        this.backward = function(library, BACKWARD_SYMBOL, BACKWARD);
        this.openGuard = function(library, "aoti_torch_create_cuda_stream_guard", "ilil");
        this.closeGuard = function(library, "aoti_torch_delete_cuda_stream_guard", "il");
        MethodHandle code = function(library, "aoti_torch_dtype_uint64", "i");
        this.randomType =
                Invocation.status("aoti_torch_dtype_uint64", () -> (int) code.invokeExact());
    }

    private static MethodHandle function(NativeLibrary library, String symbol, String signature) {
        return library.function(symbol, NativeSignature.descriptor(signature));
    }

    /// That of the libtorch in the folder that `TUNESMITH_LIBTORCH` names.
    public static Optional<FlashAttention> find(
            Map<String, String> environment, CudaStream stream, int device) {
        return TorchLibrary.forDevices(environment)
                .map(folder -> open(folder.resolve(TorchLibrary.DEVICE_FILE), stream, device));
    }

    private static FlashAttention open(Path file, CudaStream stream, int device) {
        // The part without devices comes first; it also has the interface's own functions.
        TorchAbi _ = TorchAbi.get();
        return new FlashAttention(NativeLibrary.open(file), stream, device);
    }

    /// Whether it can do what the own kernels are asked for.
    public static boolean takes(Attention shape, Strided... matrices) {
        boolean plain =
                shape.type() == Element.BF16
                        && shape.softcap() == 0
                        && shape.slopes_H() == 0
                        && shape.tokens() > 0;
        boolean wide = shape.width() <= WIDTH_MAX && shape.width() % PACK == 0;
        for (Strided matrix : matrices) {
            plain &= matrix.address() % 16 == 0 && matrix.stride() % PACK == 0;
        }
        return plain && wide;
    }

    /// Writes o and lse, as [Attention#forward] does.
    public void forward(Attention shape, Attention.Inputs in, Strided o, long lse) {
        try (Call call = new Call(shape)) {
            long starts = call.starts(in);
            long[] results = new long[5];
            call.run(
                    FORWARD_SYMBOL,
                    results,
                    place ->
                            (int)
                                    forward.invokeExact(
                                            call.queries(in.q_N()),
                                            call.keys(in.k_N()),
                                            call.keys(in.v_N()),
                                            call.pointer(starts),
                                            call.pointer(starts),
                                            shape.longest(),
                                            shape.longest(),
                                            0.0,
                                            call.causal(),
                                            0,
                                            call.scale(),
                                            call.window(),
                                            0L,
                                            0L,
                                            0L,
                                            place,
                                            place + 8,
                                            place + 16,
                                            place + 24,
                                            place + 32));
            call.copy(results[0], o, shape.heads());
            long bytes = shape.heads() * shape.tokens() * Float.BYTES;
            stream.copy(
                    new CudaStream.Rows(lse, bytes),
                    new CudaStream.Rows(torch.dataAddress(results[1]), bytes),
                    bytes,
                    1);
        }
    }

    /// Writes dq, dk and dv, as [Attention#backward] does.
    ///
    /// @param random 16 bytes of the device for the state of random numbers, which nothing draws
    public void backward(
            Attention shape,
            Attention.Inputs in,
            Attended out,
            Strided g,
            Attention.Gradients to,
            long random) {
        try (Call call = new Call(shape)) {
            long starts = call.starts(in);
            long state = call.described(random, new long[] {2}, new long[] {1}, randomType);
            long[] results = new long[3];
            call.run(
                    BACKWARD_SYMBOL,
                    results,
                    place ->
                            (int)
                                    backward.invokeExact(
                                            call.queries(g),
                                            call.queries(in.q_N()),
                                            call.keys(in.k_N()),
                                            call.keys(in.v_N()),
                                            call.queries(out.o_N),
                                            call.denominators(out.lse),
                                            starts,
                                            starts,
                                            shape.longest(),
                                            shape.longest(),
                                            0.0,
                                            call.causal(),
                                            state,
                                            state,
                                            call.scale(),
                                            call.window(),
                                            0L,
                                            place,
                                            place + 8,
                                            place + 16));
            call.copy(results[0], to.dq_N(), shape.heads());
            call.copy(results[1], to.dk_N(), shape.keyHeads());
            call.copy(results[2], to.dv_N(), shape.keyHeads());
        }
    }

    /// What the forward pass has written.
    public record Attended(Strided o_N, long lse) {}

    @FunctionalInterface
    private interface Writing {
        int run(long results) throws Throwable;
    }

    /// The handles and small values of one call, which end with it.
    private final class Call implements AutoCloseable {
        private final Attention shape;
        private final TorchAbi.Place place = torch.cuda(device);
        private final Arena arena = Arena.ofConfined();
        private final List<Long> handles = new ArrayList<>();

        private Call(Attention shape) {
            this.shape = shape;
        }

        private long described(long address, long[] sizes, long[] strides, int type) {
            long handle = torch.wrap(place, address, sizes, strides, type);
            handles.add(handle);
            return handle;
        }

        private long rows(Strided matrix, long heads) {
            return described(
                    matrix.address(),
                    new long[] {shape.tokens(), heads, shape.width()},
                    new long[] {matrix.stride(), shape.width(), 1},
                    torch.bfloat16);
        }

        private long queries(Strided matrix) {
            return rows(matrix, shape.heads());
        }

        private long keys(Strided matrix) {
            return rows(matrix, shape.keyHeads());
        }

        private long starts(Attention.Inputs in) {
            long count = shape.documents() + 1;
            return described(in.cuSeqlens_D1(), new long[] {count}, new long[] {1}, torch.int32);
        }

        private long denominators(long lse) {
            return described(
                    lse,
                    new long[] {shape.heads(), shape.tokens()},
                    new long[] {shape.tokens(), 1},
                    torch.float32);
        }

        private int causal() {
            return shape.windowLeft() == Attention.BOTH_WAYS ? 0 : 1;
        }

        private long scale() {
            return arena.allocateFrom(ValueLayout.JAVA_DOUBLE, shape.scale()).address();
        }

        /// None unless tokens see a part of what is before them.
        private long window() {
            return shape.windowLeft() < 0 ? 0 : pointer(shape.windowLeft());
        }

        private long pointer(long value) {
            return arena.allocateFrom(ValueLayout.JAVA_LONG, value).address();
        }

        /// Runs on our stream and takes the results over.
        private void run(String function, long[] results, Writing call) {
            MemorySegment room = arena.allocate(ValueLayout.JAVA_LONG, results.length);
            long guard = guard();
            try {
                if (Invocation.status(function, () -> call.run(room.address())) != 0) {
                    throw new TorchException(function, shape.toString());
                }
            } finally {
                int _ =
                        Invocation.status(
                                "aoti_torch_delete_cuda_stream_guard",
                                () -> (int) closeGuard.invokeExact(guard));
            }
            torch.received(results.length);
            for (int i = 0; i < results.length; i++) {
                results[i] = room.getAtIndex(ValueLayout.JAVA_LONG, i);
                handles.add(results[i]);
            }
        }

        private long guard() {
            MemorySegment room = arena.allocate(ValueLayout.JAVA_LONG);
            String function = "aoti_torch_create_cuda_stream_guard";
            int status =
                    Invocation.status(
                            function,
                            () ->
                                    (int)
                                            openGuard.invokeExact(
                                                    stream.handle(), device, room.address()));
            if (status != 0) {
                throw new TorchException(function, "device " + device);
            }
            return room.get(ValueLayout.JAVA_LONG, 0);
        }

        /// Results lie end to end.
        private void copy(long result, Strided to, long heads) {
            long bytes = heads * shape.width() * BF16_BYTES;
            stream.copy(
                    new CudaStream.Rows(to.address(), to.stride() * BF16_BYTES),
                    new CudaStream.Rows(torch.dataAddress(result), bytes),
                    bytes,
                    shape.tokens());
        }

        @Override
        public void close() {
            handles.forEach(torch::delete);
            arena.close();
        }
    }
}
