package dev.tunesmith.kernels.cpu;

/// One AdamW step with decoupled decay (Loshchilov & Hutter 2019, formula of torch.optim.AdamW).
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
    /// @param clip address of one fp32 factor for all gradients, 0 for none; a factor that is not
    ///   finite leaves everything as it was
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
                                                p_bf16, master, g, m, v, clip, count, rate, beta1,
                                                beta2, epsilon, decay, step, threads));
    }
}
