package dev.tunesmith.engine.gguf;

import dev.tunesmith.engine.nn.position.RopeScaling;
import dev.tunesmith.engine.nn.position.RopeScaling.Llama3;
import dev.tunesmith.engine.nn.position.Rotary;
import java.util.Optional;

/// Divisors of rotary frequencies, by which files say the scaling of Llama 3.1 and later.
final class RopeFactors {
    /// The ramp and the original context of all released models.
    private static final double LOW = 1;

    private static final double HIGH = 4;
    private static final int ORIGINAL_CONTEXT = 8192;
    private static final double TOLERANCE = 1e-3;

    private RopeFactors() {}

    /// The divisors of a scaled encoding.
    static float[] of(Rotary rotary) {
        float[] plain =
                new Rotary(rotary.width(), rotary.theta(), new RopeScaling.Plain()).frequencies(0);
        float[] scaled = rotary.frequencies(0);
        float[] factors = new float[plain.length];
        for (int i = 0; i < factors.length; i++) {
            factors[i] = plain[i] / scaled[i];
        }
        return factors;
    }

    /// The scaling that gives these divisors, if it is that of a released model.
    static Optional<Llama3> scaling(float[] factors, double theta) {
        double largest = 1;
        for (float factor : factors) {
            largest = Math.max(largest, factor);
        }
        // Quotients of floats: the factor itself has few digits.
        double factor = Math.round(largest * 1000) / 1000.0;
        var scaling = new Llama3(factor, LOW, HIGH, ORIGINAL_CONTEXT);
        float[] same = of(new Rotary(2 * factors.length, theta, scaling));
        for (int i = 0; i < factors.length; i++) {
            if (Math.abs(same[i] - factors[i]) > TOLERANCE * factors[i]) {
                return Optional.empty();
            }
        }
        return Optional.of(scaling);
    }
}
