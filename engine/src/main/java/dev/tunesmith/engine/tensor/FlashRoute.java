package dev.tunesmith.engine.tensor;

import dev.tunesmith.kernels.KernelException;
import dev.tunesmith.kernels.cpu.Attention;
import dev.tunesmith.kernels.cpu.CpuKernels;
import dev.tunesmith.kernels.cpu.Element;
import dev.tunesmith.kernels.cpu.Strided;
import dev.tunesmith.kernels.torch.FlashAttention;
import dev.tunesmith.kernels.torch.TorchException;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Whether attention of a device goes through libtorch. Asked once for each device, and only after
/// a small problem has come out as the own kernels have it: another libtorch may mean something
/// else by its arguments.
public final class FlashRoute {
    private static final Logger LOG = LoggerFactory.getLogger(FlashRoute.class);
    private static final AtomicReference<@Nullable FlashRoute> LATEST = new AtomicReference<>();
    private static final int RANDOM_BYTES = 16;

    private final CudaDevice device;
    private final Optional<FlashAttention> forward;
    private final Optional<FlashAttention> backward;
    private final Tensor random;

    private FlashRoute(CudaDevice device) {
        this.device = device;
        this.random = Region.lasting("state of random numbers").zeros(DType.U8, RANDOM_BYTES);
        CudaDevice.FoundAttention found = device.attention();
        this.forward = found.flash().filter(flash -> proven(flash, found.backward()));
        this.backward = found.backward() ? forward : Optional.empty();
        LOG.info(
                "attention forward by {}, backward by {}",
                forward.isPresent() ? "libtorch" : "own kernels",
                backward.isPresent() ? "libtorch" : "own kernels");
    }

    private static Optional<FlashRoute> current() {
        if (!(Device.current() instanceof CudaDevice cuda) || cuda.attention().flash().isEmpty()) {
            return Optional.empty();
        }
        FlashRoute latest = LATEST.get();
        if (latest == null || latest.device != cuda) {
            latest = new FlashRoute(cuda);
            LATEST.set(latest);
        }
        return Optional.of(latest);
    }

    /// What computes the forward pass instead of the own kernel, if something does.
    public static Optional<FlashAttention> forward(
            Attention shape, Attention.Inputs in, Strided out_N) {
        return current()
                .flatMap(route -> route.forward)
                .filter(_ -> FlashAttention.takes(shape, in.q_N(), in.k_N(), in.v_N(), out_N));
    }

    /// Runs the backward pass, if something else than the own kernel does.
    public static boolean backward(
            Attention shape,
            Attention.Inputs in,
            FlashAttention.Attended out,
            Strided g_N,
            Attention.Gradients to) {
        Optional<FlashRoute> route = current().filter(found -> found.backward.isPresent());
        if (route.isEmpty()
                || !FlashAttention.takes(shape, in.q_N(), in.k_N(), in.v_N(), out.o_N(), g_N)) {
            return false;
        }
        FlashAttention flash = route.get().backward.orElseThrow();
        flash.backward(shape, in, out, g_N, to, route.get().random.address());
        return true;
    }

    private boolean proven(FlashAttention flash, boolean bothWays) {
        try {
            boolean agrees =
                    AttentionProof.agree(flash, -1, bothWays, random)
                            && AttentionProof.agree(flash, 16, bothWays, random);
            if (!agrees) {
                LOG.warn("libtorch's attention differs from the own kernels and is not used");
            }
            return agrees;
        } catch (TorchException | KernelException e) {
            LOG.warn("libtorch's attention does not work here and is not used", e);
            return false;
        }
    }

    /// A small problem, solved by the own kernels and by libtorch.
    static final class AttentionProof {
        /// Two bf16 roundings of sums of a few dozen products.
        private static final float NEAR = 0.03f;

        private static final int[] STARTS = {0, 33, 97};
        private static final int TOKENS = 97;
        private static final int LONGEST = 64;
        private static final int HEADS = 4;
        private static final int KEY_HEADS = 2;
        private static final int WIDTH = 64;

        private AttentionProof() {}

        static boolean agree(FlashAttention flash, long window, boolean bothWays, Tensor random) {
            Attention shape =
                    new Attention(
                            Element.BF16,
                            STARTS.length - 1,
                            TOKENS,
                            LONGEST,
                            HEADS,
                            KEY_HEADS,
                            WIDTH,
                            1 / 8f,
                            0,
                            window,
                            0,
                            CpuKernels.threads());
            try (Region region = Region.lasting("test of attention")) {
                var in =
                        new Attention.Inputs(
                                waves(region, HEADS, 1),
                                waves(region, KEY_HEADS, 2),
                                waves(region, KEY_HEADS, 3),
                                region.ints(STARTS).address());
                long room = Math.max(shape.forwardScratchBytes(), shape.backwardScratchBytes());
                long work = region.tensor(DType.U8, room).address();
                Pass own = new Pass(region);
                Pass other = new Pass(region);
                Strided out = rows(own.out);
                long lse = own.lse.address();
                shape.forward(in, out, lse, work);
                flash.forward(shape, in, rows(other.out), other.lse.address());
                if (bothWays) {
                    Strided g = waves(region, HEADS, 4);
                    shape.backward(in, out, lse, g, own.gradients(), work);
                    var attended = new FlashAttention.Attended(out, lse);
                    flash.backward(shape, in, attended, g, other.gradients(), random.address());
                }
                return own.isNear(other);
            }
        }

        private static Strided rows(Tensor tensor) {
            return new Strided(tensor.address(), tensor.rowStride());
        }

        private static Strided waves(Region region, int heads, int seed) {
            float[] values = new float[TOKENS * heads * WIDTH];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) Math.sin(seed + 0.37 * i * seed);
            }
            Tensor tensor = region.tensor(DType.BF16, TOKENS, (long) heads * WIDTH);
            tensor.set(values);
            return rows(tensor);
        }

        /// What one of the two has written.
        private record Pass(Tensor out, Tensor lse, Tensor dq, Tensor dk, Tensor dv) {
            Pass(Region region) {
                this(
                        region.zeros(DType.BF16, TOKENS, HEADS * WIDTH),
                        region.zeros(DType.F32, HEADS, TOKENS),
                        region.zeros(DType.BF16, TOKENS, HEADS * WIDTH),
                        region.zeros(DType.BF16, TOKENS, KEY_HEADS * WIDTH),
                        region.zeros(DType.BF16, TOKENS, KEY_HEADS * WIDTH));
            }

            Attention.Gradients gradients() {
                return new Attention.Gradients(rows(dq), rows(dk), rows(dv));
            }

            boolean isNear(Pass other) {
                return near(out, other.out)
                        && near(lse, other.lse)
                        && near(dq, other.dq)
                        && near(dk, other.dk)
                        && near(dv, other.dv);
            }

            private static boolean near(Tensor one, Tensor other) {
                float[] a = one.toFloats();
                float[] b = other.toFloats();
                for (int i = 0; i < a.length; i++) {
                    if (!(Math.abs(a[i] - b[i]) <= NEAR * (1 + Math.abs(a[i])))) {
                        return false;
                    }
                }
                return true;
            }
        }
    }
}
