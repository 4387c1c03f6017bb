package dev.tunesmith.engine.ops;

import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.kernels.cpu.Rotary;
import dev.tunesmith.kernels.cpu.Rotary.Pairing;

/// Rotary position encoding of query and key heads.
public final class Rotation {

    private Rotation() {}

    /// Cosines and sines by row, and which row each token uses. The width of the tables is half the
    /// number of dimensions that turn.
    ///
    /// @param pairing which dimensions of a head turn together
    public record Angles(Tensor cos_PW, Tensor sin_PW, Tensor rows_N, Pairing pairing) {}

    /// Turns all query and key heads of every token, in place.
    public static void rotate(Tensor q_NC, Tensor k_NC, int headWidth, Angles angles) {
        kernel(q_NC, k_NC, headWidth, angles)
                .forward(
                        Native.strided(q_NC),
                        Native.strided(k_NC),
                        angles.cos_PW.address(),
                        angles.sin_PW.address(),
                        angles.rows_N.address());
    }

    /// Turns back, which is the gradient of [#rotate].
    public static void rotateBack(Tensor dq_NC, Tensor dk_NC, int headWidth, Angles angles) {
        kernel(dq_NC, dk_NC, headWidth, angles)
                .backward(
                        Native.strided(dq_NC),
                        Native.strided(dk_NC),
                        angles.cos_PW.address(),
                        angles.sin_PW.address(),
                        angles.rows_N.address());
    }

    private static Rotary kernel(Tensor q_NC, Tensor k_NC, int headWidth, Angles angles) {
        return new Rotary(
                Native.element(q_NC),
                q_NC.rows(),
                q_NC.width() / headWidth,
                k_NC.width() / headWidth,
                headWidth,
                angles.cos_PW.width() * 2,
                angles.cos_PW.rows(),
                angles.pairing(),
                Native.threads());
    }
}
