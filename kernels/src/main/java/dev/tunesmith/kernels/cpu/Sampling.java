package dev.tunesmith.kernels.cpu;

import dev.tunesmith.kernels.NativeMemory;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/// Drawing tokens from logits.
public final class Sampling {
    private static final MethodHandle DRAW = CpuKernels.plain("ts_draw_f32", "illl" + "ldddldi");

    private Sampling() {}

    /// What is drawn from.
    ///
    /// @param temperature above 0
    /// @param topP share that the most probable tokens have to hold together, 1 for all
    /// @param minP least probability beside that of the most probable token
    /// @param topK most probable tokens, 0 for all
    /// @param uniform decides, in [0, 1): without limits in the order of ids, else of probability
    public record Choice(double temperature, double topP, double minP, int topK, double uniform) {}

    /// Bytes of scratch for so many logits; its first four are the result.
    public static long scratchBytes(long logits) {
        return Long.BYTES * (logits + 1);
    }

    /// The id drawn from fp32 logits, or -1 if they are not all finite.
    public static int draw(long logits_V, long count, long scratch, Choice choice) {
        Status.check(
                "draw",
                choice,
                () ->
                        (int)
                                DRAW.invokeExact(
                                        logits_V,
                                        scratch,
                                        scratch + Long.BYTES,
                                        count,
                                        choice.temperature(),
                                        choice.topP(),
                                        choice.minP(),
                                        (long) choice.topK(),
                                        choice.uniform(),
                                        1));
        return NativeMemory.at(scratch, Integer.BYTES).get(ValueLayout.JAVA_INT, 0);
    }
}
