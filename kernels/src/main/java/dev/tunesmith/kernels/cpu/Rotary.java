package dev.tunesmith.kernels.cpu;

/// Rotary position embedding of queries and keys in place, by the position of each token.
///
/// The first `rotaryWidth` numbers of every head turn, the rest stay. Tables are fp32 of
/// (tableRows, rotaryWidth / 2); scaling of long contexts is already in them.
///
/// @param keyHeads 0 when only queries are given
public record Rotary(
        Element type,
        long tokens,
        long heads,
        long keyHeads,
        long width,
        long rotaryWidth,
        long tableRows,
        Pairing pairing,
        int threads) {
    private static final CpuKernels.Kernel ROPE =
            CpuKernels.kernel("rope", "lllll" + "llllllll" + "iii");

    /// Which numbers of a head turn together.
    public enum Pairing {
        /// i and i + rotaryWidth / 2.
        HALVES(0),
        /// 2i and 2i + 1.
        NEIGHBOURS(1);

        private final int code;

        Pairing(int code) {
            this.code = code;
        }
    }

    /// Turns queries and keys in place.
    ///
    /// @param positions_N int32, each below tableRows
    public void forward(Strided q_N, Strided k_N, long cos_P, long sin_P, long positions_N) {
        run(q_N, k_N, new Tables(cos_P, sin_P, positions_N), 0);
    }

    /// The gradient of [#forward]: the same turn the other way, in place on the gradients.
    public void backward(Strided dq_N, Strided dk_N, long cos_P, long sin_P, long positions_N) {
        run(dq_N, dk_N, new Tables(cos_P, sin_P, positions_N), 1);
    }

    private void run(Strided q, Strided k, Tables tables, int backward) {
        Status.check(
                "rope",
                this,
                () ->
                        (int)
                                ROPE.of(type)
                                        .invokeExact(
                                                q.address(),
                                                k.address(),
                                                tables.cos,
                                                tables.sin,
                                                tables.positions,
                                                tokens,
                                                heads,
                                                keyHeads,
                                                width,
                                                rotaryWidth,
                                                q.stride(),
                                                k.stride(),
                                                tableRows,
                                                pairing.code,
                                                backward,
                                                threads));
    }

    private record Tables(long cos, long sin, long positions) {}
}
