package dev.tunesmith.kernels.cpu;

import java.lang.invoke.MethodHandle;

/// Steps of optimizers on one tensor; the one of AdamW is a record of its own. All addresses are of
/// fp32 numbers unless said otherwise; every level of the processor gives the same bits.
///
/// @param p parameters
/// @param copy their rounded bf16 twin, or 0
/// @param g gradients
/// @param clip one factor for all gradients; where it is not finite nothing changes
public record OptimizerSteps(long p, long copy, long g, long clip, long count, int threads) {
    private static final MethodHandle LION =
            CpuKernels.plain("ts_lion_step", "i" + "lllll" + "l" + "dddd" + "i");
    private static final MethodHandle SGD =
            CpuKernels.plain("ts_sgd_step", "i" + "lllll" + "l" + "ddddd" + "iiii");
    private static final MethodHandle FREE =
            CpuKernels.plain("ts_free_step", "i" + "llllll" + "l" + "dddddd" + "li");
    private static final MethodHandle LERP = CpuKernels.plain("ts_lerp", "i" + "lll" + "ldi");
    private static final MethodHandle MEANS =
            CpuKernels.plain("ts_mean_squares", "i" + "llll" + "ll" + "di");
    private static final MethodHandle SCALED =
            CpuKernels.plain("ts_factored_squares", "i" + "llll" + "ll" + "lli");
    private static final MethodHandle FACTORED =
            CpuKernels.plain("ts_factored_step", "i" + "lllll" + "ll" + "ll" + "dddi");
    private static final MethodHandle ROWS =
            CpuKernels.plain("ts_row_step", "i" + "llllll" + "ll" + "ddi");
    private static final MethodHandle EIGHT =
            CpuKernels.plain("ts_eight_bit_step", "i" + "lllllllll" + "l" + "ddddd" + "li");
    private static final MethodHandle ROUND =
            CpuKernels.plain("ts_round_random", "i" + "llll" + "i");

    /// Lion with decoupled decay; `m` is the average.
    public void lion(long m, double rate, double beta1, double beta2, double decay) {
        Status.check(
                "lion_step",
                this,
                () ->
                        (int)
                                LION.invokeExact(
                                        p, copy, g, m, clip, count, rate, beta1, beta2, decay,
                                        threads));
    }

    /// Constants of descent with momentum.
    ///
    /// @param limit largest absolute gradient
    /// @param coupled decay in the gradient, as torch.optim.SGD has it, instead of on the weight
    public record Descent(
            double momentum,
            double dampening,
            double decay,
            double limit,
            boolean nesterov,
            boolean coupled) {}

    /// Descent; `m` is the average or 0.
    ///
    /// @param first the average begins with this gradient
    public void descend(long m, double rate, Descent how, boolean first) {
        Status.check(
                "sgd_step",
                this,
                () ->
                        (int)
                                SGD.invokeExact(
                                        p,
                                        copy,
                                        g,
                                        m,
                                        clip,
                                        count,
                                        rate,
                                        how.momentum,
                                        how.dampening,
                                        how.decay,
                                        how.limit,
                                        how.nesterov ? 1 : 0,
                                        how.coupled ? 1 : 0,
                                        first ? 1 : 0,
                                        threads));
    }

    /// Constants of Adam, and the number of the step from 1.
    public record Adam(double beta1, double beta2, double epsilon, double decay, long step) {}

    /// Schedule-free AdamW on the point where gradients are taken; `z` is the one that moves.
    ///
    /// @param mix share of the newest point in the average
    public void scheduleFree(long z, long v, double rate, double mix, Adam adam) {
        Status.check(
                "free_step",
                this,
                () ->
                        (int)
                                FREE.invokeExact(
                                        p,
                                        copy,
                                        g,
                                        z,
                                        v,
                                        clip,
                                        count,
                                        rate,
                                        mix,
                                        adam.beta1,
                                        adam.beta2,
                                        adam.epsilon,
                                        adam.decay,
                                        adam.step,
                                        threads));
    }

    /// `p += factor · (z − p)`.
    public void mix(long z, double factor) {
        Status.check(
                "lerp", this, () -> (int) LERP.invokeExact(p, copy, z, count, factor, threads));
    }

    /// Numbers of rows and of columns of a matrix.
    public record Sides(long rows, long columns, long rowCount, long columnCount) {
        /// Numbers that the columns need room for in [OptimizerSteps#meanSquares].
        public static long columnRoom(long rowCount, long columnCount) {
            return Math.ceilDiv(rowCount, 64) * columnCount;
        }
    }

    /// Writes the means of the squared gradients, each with `epsilon` added.
    public void meanSquares(Sides sides, double epsilon) {
        Status.check(
                "mean_squares",
                sides,
                () ->
                        (int)
                                MEANS.invokeExact(
                                        g,
                                        clip,
                                        sides.rows,
                                        sides.columns,
                                        sides.rowCount,
                                        sides.columnCount,
                                        epsilon,
                                        threads));
    }

    /// Writes the sum of the squares of gradient · row · column.
    ///
    /// @param work address of a double a row
    /// @param sum address of one double
    public void scaledSquares(Sides sides, long work, long sum) {
        Status.check(
                "factored_squares",
                sides,
                () ->
                        (int)
                                SCALED.invokeExact(
                                        g,
                                        clip,
                                        sides.rows,
                                        sides.columns,
                                        sides.rowCount,
                                        sides.columnCount,
                                        work,
                                        sum,
                                        threads));
    }

    /// `p = p · keep − rate · g · row · column`, or minus its average where `m` is not 0.
    public void factored(long m, Sides sides, double rate, double keep, double beta1) {
        Status.check(
                "factored_step",
                sides,
                () ->
                        (int)
                                FACTORED.invokeExact(
                                        p,
                                        copy,
                                        g,
                                        m,
                                        clip,
                                        sides.rows,
                                        sides.columns,
                                        sides.rowCount,
                                        sides.columnCount,
                                        rate,
                                        keep,
                                        beta1,
                                        threads));
    }

    /// Averages the gradients in `m` and moves along it, each row at the rate in `sides.rows`.
    public void rows(long m, Sides sides, double beta1, double keep) {
        Status.check(
                "row_step",
                sides,
                () ->
                        (int)
                                ROWS.invokeExact(
                                        p,
                                        copy,
                                        g,
                                        m,
                                        clip,
                                        sides.rows,
                                        sides.rowCount,
                                        sides.columnCount,
                                        beta1,
                                        keep,
                                        threads));
    }

    /// Moments as codes: one byte each, and the largest value of every 256.
    ///
    /// @param books address of six addresses: values (256), middles (255) and codes of all bf16
    ///   numbers (65,536 bytes), first of the signed code book, then of the unsigned one
    public record Codes(long first, long second, long largest1, long largest2, long books) {}

    /// AdamW with 8-bit moments.
    public void eightBit(Codes codes, double rate, Adam adam) {
        Status.check(
                "eight_bit_step",
                this,
                () ->
                        (int)
                                EIGHT.invokeExact(
                                        p,
                                        copy,
                                        g,
                                        codes.first,
                                        codes.second,
                                        codes.largest1,
                                        codes.largest2,
                                        codes.books,
                                        clip,
                                        count,
                                        rate,
                                        adam.beta1,
                                        adam.beta2,
                                        adam.epsilon,
                                        adam.decay,
                                        adam.step,
                                        threads));
    }

    /// Rounds fp32 to bf16, up or down at random so that the mean stays.
    public static void roundRandomly(long from, long to, long count, long seed, int threads) {
        Status.check(
                "round_random",
                count,
                () -> (int) ROUND.invokeExact(from, to, count, seed, threads));
    }

    /// One AdamW step with decoupled decay (Loshchilov & Hutter 2019, formula of
    /// torch.optim.AdamW).
    ///
    /// @param step counts from 1
    public record AdamW(
            long count,
            double rate,
            double beta1,
            double beta2,
            double epsilon,
            double decay,
            long step,
            int threads) {
        private static final CpuKernels.Kernel F32 =
                CpuKernels.kernel("adamw_f32", "lllll" + "lddddd" + "li");
        private static final CpuKernels.Kernel BF16 =
                CpuKernels.kernel("adamw_bf16", "llllll" + "lddddd" + "li");

        /// Updates fp32 parameters and both moments (fp32).
        ///
        /// @param clip address of one fp32 factor for all gradients, 0 for none; a factor that is
        ///   not finite leaves everything as it was
        public void step(Element gradient, long p, long g, long m, long v, long clip) {
            Status.check(
                    "adamw_f32",
                    this,
                    () ->
                            (int)
                                    F32.of(gradient)
                                            .invokeExact(
                                                    p, g, m, v, clip, count, rate, beta1, beta2,
                                                    epsilon, decay, step, threads));
        }

        /// Updates the fp32 master and both moments, and writes the parameters as rounded master.
        public void stepBf16(
                Element gradient, long p_bf16, long master, long g, long m, long v, long clip) {
            Status.check(
                    "adamw_bf16",
                    this,
                    () ->
                            (int)
                                    BF16.of(gradient)
                                            .invokeExact(
                                                    p_bf16, master, g, m, v, clip, count, rate,
                                                    beta1, beta2, epsilon, decay, step, threads));
        }
    }
}
