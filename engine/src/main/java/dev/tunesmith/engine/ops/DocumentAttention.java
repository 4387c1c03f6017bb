package dev.tunesmith.engine.ops;

import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.FlashRoute;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.kernels.cpu.Attention;
import dev.tunesmith.kernels.cpu.Strided;
import dev.tunesmith.kernels.torch.FlashAttention;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Attention inside each of several documents that lie end to end.
///
/// @param heads query heads, a multiple of `kvHeads`
/// @param scale factor of the scores
/// @param softCap scores become `c · tanh(s/c)`; 0 means no cap
/// @param window how many tokens a token sees, itself included; 0 means all before it, [#BOTH_WAYS]
///   also those after it
/// @param slopes_H fp32, what a score loses for each step between two tokens (ALiBi), or null
/// @param sinks_H scores of each head that stand in the softmax of every token and have no value:
///   what they take is lost (attention sinks, arXiv 2309.17453); null for none
public record DocumentAttention(
        int heads,
        int kvHeads,
        int headWidth,
        double scale,
        double softCap,
        int window,
        @Nullable Tensor slopes_H,
        @Nullable Tensor sinks_H) {

    public DocumentAttention {
        if (sinks_H != null && (softCap != 0 || slopes_H != null)) {
            throw new IllegalArgumentException("sinks beside caps or slopes of scores");
        }
    }

    /// Without sinks.
    public DocumentAttention(
            int heads,
            int kvHeads,
            int headWidth,
            double scale,
            double softCap,
            int window,
            @Nullable Tensor slopes_H) {
        this(heads, kvHeads, headWidth, scale, softCap, window, slopes_H, null);
    }

    /// The window of a token that sees its whole document.
    public static final int BOTH_WAYS = -1;

    /// Where documents begin: `cuSeqlens_D1` has one more entry than there are documents.
    public record Documents(Tensor cuSeqlens_D1, int longest) {
        int count() {
            return (int) cuSeqlens_D1.size(0) - 1;
        }
    }

    /// What the forward pass reads and keeps: queries, keys, values, output, and the logarithm of
    /// the softmax denominators.
    public record Saved(Tensor q_NC, Tensor k_NC, Tensor v_NC, Tensor out_NC, Tensor lse_HN) {}

    /// A place for the denominators of `tokens` tokens.
    public Tensor denominators(Region region, long tokens) {
        return region.tensor(DType.F32, heads, tokens);
    }

    /// Fills `out` and `lse`. `scratch` lends working memory.
    public void forward(Saved saved, Documents documents, Region scratch) {
        Attention kernel = kernel(saved.q_NC, documents);
        Attention.Inputs in = inputs(saved, documents);
        Strided out_N = Native.strided(saved.out_NC);
        long lse = saved.lse_HN.address();
        Optional<FlashAttention> flash = FlashRoute.forward(kernel, in, out_N);
        if (flash.isPresent()) {
            flash.get().forward(kernel, in, out_N, lse);
        } else {
            Tensor work = Elementwise.bytes(scratch, kernel.forwardScratchBytes());
            kernel.forward(in, out_N, lse, work.address());
        }
        if (sinks_H != null) {
            float[] lse_HN = saved.lse_HN.toFloats();
            sink(saved.out_NC, lse_HN, sinks_H, scratch);
            saved.lse_HN.set(lse_HN);
        }
    }

    /// Takes from outputs what sinks take, and adds sinks to the denominators. With both as they
    /// are then, the gradient of the rest is that of attention without sinks.
    static void sink(Tensor out_NC, float[] lse_HN, Tensor sinks_H, Region scratch) {
        float[] sink_H = sinks_H.toFloats();
        float[] out = out_NC.toFloats();
        int tokens = (int) out_NC.rows();
        int width = (int) out_NC.width() / sink_H.length;
        for (int h = 0; h < sink_H.length; h++) {
            for (int n = 0; n < tokens; n++) {
                double own = lse_HN[h * tokens + n];
                double both =
                        Math.max(own, sink_H[h]) + Math.log1p(Math.exp(-Math.abs(own - sink_H[h])));
                float share = (float) Math.exp(own - both);
                int from = (n * sink_H.length + h) * width;
                for (int at = from; at < from + width; at++) {
                    out[at] *= share;
                }
                lse_HN[h * tokens + n] = (float) both;
            }
        }
        Tensor lowered_NC = scratch.tensor(out_NC.type(), out_NC.shape());
        lowered_NC.set(out);
        out_NC.copyFrom(lowered_NC);
    }

    /// Gradient of the sinks, after a forward pass.
    public float[] sinkGradients(Tensor dOut_NC, Saved saved, Tensor sinks_H) {
        float[] sink_H = sinks_H.toFloats();
        float[] lse_HN = saved.lse_HN.toFloats();
        float[] out = saved.out_NC.toFloats();
        float[] d = dOut_NC.toFloats();
        int tokens = (int) saved.out_NC.rows();
        float[] gradient_H = new float[heads];
        for (int h = 0; h < heads; h++) {
            double sum = 0;
            for (int n = 0; n < tokens; n++) {
                int from = (n * heads + h) * headWidth;
                double dot = 0;
                for (int at = from; at < from + headWidth; at++) {
                    dot += (double) d[at] * out[at];
                }
                sum -= Math.exp(sink_H[h] - lse_HN[h * tokens + n]) * dot;
            }
            gradient_H[h] = (float) sum;
        }
        return gradient_H;
    }

    /// Overwrites `dq`, `dk` and `dv`. `scratch` lends working memory.
    public void backward(
            Gradients to, Tensor dOut_NC, Saved saved, Documents documents, Region scratch) {
        Attention kernel = kernel(saved.q_NC, documents);
        Attention.Inputs in = inputs(saved, documents);
        var attended =
                new FlashAttention.Attended(Native.strided(saved.out_NC), saved.lse_HN.address());
        Strided g_N = Native.strided(dOut_NC);
        var gradients =
                new Attention.Gradients(
                        Native.strided(to.dq_NC),
                        Native.strided(to.dk_NC),
                        Native.strided(to.dv_NC));
        if (FlashRoute.backward(kernel, in, attended, g_N, gradients)) {
            return;
        }
        Tensor work = Elementwise.bytes(scratch, kernel.backwardScratchBytes());
        kernel.backward(in, attended.o_N(), attended.lse(), g_N, gradients, work.address());
    }

    /// Where the gradients go.
    public record Gradients(Tensor dq_NC, Tensor dk_NC, Tensor dv_NC) {}

    private static Attention.Inputs inputs(Saved saved, Documents documents) {
        return new Attention.Inputs(
                Native.strided(saved.q_NC),
                Native.strided(saved.k_NC),
                Native.strided(saved.v_NC),
                documents.cuSeqlens_D1.address());
    }

    private Attention kernel(Tensor q_NC, Documents documents) {
        return new Attention(
                Native.element(q_NC),
                documents.count(),
                q_NC.rows(),
                documents.longest(),
                heads,
                kvHeads,
                headWidth,
                (float) scale,
                (float) softCap,
                windowLeft(),
                slopesAddress(),
                Native.threads());
    }

    /// The window as kernels count it.
    long windowLeft() {
        return switch (window) {
            case BOTH_WAYS -> Attention.BOTH_WAYS;
            case 0 -> -1;
            default -> window - 1;
        };
    }

    /// Address of the slopes, 0 for none.
    long slopesAddress() {
        return slopes_H == null ? 0 : slopes_H.address();
    }
}
