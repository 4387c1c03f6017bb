package dev.tunesmith.kernels.cpu;

import java.lang.invoke.MethodHandle;

/// Attention over packed documents: no token sees another document, nor one after it unless asked.
///
/// `heads` is a multiple of `keyHeads` (grouped queries). Rows are tokens; within a row the heads
/// lie one after another, `width` numbers each.
///
/// @param tokens all tokens of all documents
/// @param longest the length of the longest document
/// @param scale usually 1 / √width
/// @param softcap c of c·tanh(s / c), 0 for none
/// @param windowLeft how many earlier tokens a token sees besides itself, -1 for all, [#BOTH_WAYS]
///   for later ones too
/// @param slopes_H fp32, what a score loses for each step between query and key (ALiBi); 0 for none
public record Attention(
        Element type,
        long documents,
        long tokens,
        long longest,
        long heads,
        long keyHeads,
        long width,
        float scale,
        float softcap,
        long windowLeft,
        long slopes_H,
        int threads) {
    /// A window that leaves nothing out.
    public static final long BOTH_WAYS = -2;

    private static final CpuKernels.Kernel FORWARD =
            CpuKernels.kernel("attention_fwd", "llllllll" + "lllllllll" + "ffli");
    private static final CpuKernels.Kernel BACKWARD =
            CpuKernels.kernel("attention_bwd", "llllllllllll" + "lllllllllllll" + "ffli");
    private static final MethodHandle FORWARD_SCRATCH =
            CpuKernels.plain("ts_attention_fwd_scratch", "llllll");
    private static final MethodHandle BACKWARD_SCRATCH =
            CpuKernels.plain("ts_attention_bwd_scratch", "llllllll");

    /// What attention reads: cuSeqlens_D1 is int32, from 0 to tokens.
    public record Inputs(Strided q_N, Strided k_N, Strided v_N, long cuSeqlens_D1) {}

    /// Where the gradients go.
    public record Gradients(Strided dq_N, Strided dk_N, Strided dv_N) {}

    /// Writes o_N and lse (fp32, heads × tokens), which backward needs.
    public void forward(Inputs in, Strided o_N, long lse, long scratch) {
        Status.check(
                "attention_fwd",
                this,
                () ->
                        (int)
                                FORWARD.of(type)
                                        .invokeExact(
                                                in.q_N.address(),
                                                in.k_N.address(),
                                                in.v_N.address(),
                                                o_N.address(),
                                                lse,
                                                in.cuSeqlens_D1,
                                                slopes_H,
                                                scratch,
                                                documents,
                                                longest,
                                                heads,
                                                keyHeads,
                                                width,
                                                in.q_N.stride(),
                                                in.k_N.stride(),
                                                in.v_N.stride(),
                                                o_N.stride(),
                                                scale,
                                                softcap,
                                                windowLeft,
                                                threads));
    }

    /// Writes dq, dk and dv from g_N, the gradient of o. None of them may overlap an input.
    public void backward(
            Inputs in, Strided o_N, long lse, Strided g_N, Gradients to, long scratch) {
        Status.check(
                "attention_bwd",
                this,
                () ->
                        (int)
                                BACKWARD.of(type)
                                        .invokeExact(
                                                g_N.address(),
                                                in.q_N.address(),
                                                in.k_N.address(),
                                                in.v_N.address(),
                                                o_N.address(),
                                                lse,
                                                in.cuSeqlens_D1,
                                                to.dq_N.address(),
                                                to.dk_N.address(),
                                                to.dv_N.address(),
                                                slopes_H,
                                                scratch,
                                                documents,
                                                longest,
                                                heads,
                                                keyHeads,
                                                width,
                                                g_N.stride(),
                                                in.q_N.stride(),
                                                in.k_N.stride(),
                                                in.v_N.stride(),
                                                o_N.stride(),
                                                to.dq_N.stride(),
                                                to.dk_N.stride(),
                                                to.dv_N.stride(),
                                                scale,
                                                softcap,
                                                windowLeft,
                                                threads));
    }

    public long forwardScratchBytes() {
        return Status.scratch(
                "attention_fwd",
                () ->
                        (long)
                                FORWARD_SCRATCH.invokeExact(
                                        documents, tokens, keyHeads, width, (long) threads));
    }

    public long backwardScratchBytes() {
        return Status.scratch(
                "attention_bwd",
                () ->
                        (long)
                                BACKWARD_SCRATCH.invokeExact(
                                        documents,
                                        tokens,
                                        longest,
                                        heads,
                                        keyHeads,
                                        width,
                                        (long) threads));
    }
}
