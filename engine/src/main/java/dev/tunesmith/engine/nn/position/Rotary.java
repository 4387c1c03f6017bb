package dev.tunesmith.engine.nn.position;

import dev.tunesmith.kernels.cpu.Rotary.Pairing;
import java.util.List;

/// A rotary position encoding: which angle each pair of head dimensions turns by per position.
///
/// @param width how many dimensions of a head turn; the rest stay
/// @param theta base of the frequencies
/// @param scaling stretching for long texts
/// @param pairing which dimensions turn together
/// @param sections pairs that turn by the position on each axis (time, row, column), several times
///   over; empty where tokens have one position
public record Rotary(
        int width, double theta, RopeScaling scaling, Pairing pairing, List<Integer> sections) {

    /// Halves paired, as in most Hugging Face checkpoints.
    public Rotary(int width, double theta, RopeScaling scaling) {
        this(width, theta, scaling, Pairing.HALVES, List.of());
    }

    /// The same with neighbouring dimensions paired.
    public Rotary neighbours() {
        return new Rotary(width, theta, scaling, Pairing.NEIGHBOURS, sections);
    }

    /// The same by three axes.
    public Rotary withSections(List<Integer> others) {
        return new Rotary(width, theta, scaling, pairing, others);
    }

    /// The axis whose position turns that pair.
    int axis(int pair) {
        int end = 0;
        for (int s = 0; s < sections.size(); s++) {
            end += sections.get(s);
            if (pair < end) {
                return s % AXES;
            }
        }
        return 0;
    }

    private static final int AXES = 3;

    public Rotary {
        sections = List.copyOf(sections);
        if (width < 0 || width % 2 != 0) {
            throw new IllegalArgumentException("rotary width %d is not even".formatted(width));
        }
    }

    /// Whether the angles depend on the length of the sequence and not only on the position.
    public boolean dependsOnLength() {
        return scaling instanceof RopeScaling.Dynamic || scaling instanceof RopeScaling.LongRope;
    }

    /// Whether keys that were turned while a sequence had `cached` tokens are wrong once it has
    /// `length`. With dynamic scaling keys keep the turn they had, as everybody serves it.
    public boolean turnsAgain(int cached, int length) {
        return scaling instanceof RopeScaling.LongRope longRope
                && cached <= longRope.originalContext()
                && length > longRope.originalContext();
    }

    /// Factor of cosine and sine.
    public double amplitude() {
        return switch (scaling) {
            case RopeScaling.Yarn yarn -> yarn.attentionFactor();
            case RopeScaling.LongRope longRope -> longRope.attentionFactor();
            case RopeScaling.Plain _, RopeScaling.Linear _ -> 1;
            case RopeScaling.Dynamic _, RopeScaling.Llama3 _ -> 1;
        };
    }

    /// Angle per position of every pair, for sequences of `length` tokens.
    public float[] frequencies(int length) {
        return switch (scaling) {
            case RopeScaling.Plain _ -> plain(theta);
            case RopeScaling.Linear linear -> divided(linear.factor());
            case RopeScaling.Dynamic dynamic -> plain(grownBase(dynamic, length));
            case RopeScaling.Llama3 llama3 -> llama3(llama3);
            case RopeScaling.Yarn yarn -> yarn(yarn);
            case RopeScaling.LongRope longRope -> longRope(longRope, length);
        };
    }

    private float[] plain(double base) {
        float[] frequencies = new float[width / 2];
        for (int i = 0; i < frequencies.length; i++) {
            // The power is taken in double and the quotient rounded once; the reference works in
            // single precision throughout, which differs by one unit in the last place.
            frequencies[i] = 1f / (float) Math.pow(base, 2.0 * i / width);
        }
        return frequencies;
    }

    private float[] divided(double factor) {
        float[] frequencies = plain(theta);
        for (int i = 0; i < frequencies.length; i++) {
            frequencies[i] = (float) (frequencies[i] / factor);
        }
        return frequencies;
    }

    private double grownBase(RopeScaling.Dynamic dynamic, int length) {
        double longest = Math.max(length, dynamic.originalContext());
        double stretch =
                dynamic.factor() * longest / dynamic.originalContext() - (dynamic.factor() - 1);
        return theta * Math.pow(stretch, width / (width - 2.0));
    }

    private float[] llama3(RopeScaling.Llama3 scale) {
        float[] frequencies = plain(theta);
        double longWave = scale.originalContext() / scale.lowFrequency();
        double shortWave = scale.originalContext() / scale.highFrequency();
        for (int i = 0; i < frequencies.length; i++) {
            double frequency = frequencies[i];
            double wave = 2 * Math.PI / frequency;
            if (wave > longWave) {
                frequencies[i] = (float) (frequency / scale.factor());
            } else if (wave >= shortWave) {
                double smooth =
                        (scale.originalContext() / wave - scale.lowFrequency())
                                / (scale.highFrequency() - scale.lowFrequency());
                frequencies[i] =
                        (float) ((1 - smooth) * frequency / scale.factor() + smooth * frequency);
            }
        }
        return frequencies;
    }

    private float[] yarn(RopeScaling.Yarn scale) {
        float[] frequencies = plain(theta);
        double low = correctionDimension(scale.betaFast(), scale.originalContext());
        double high = correctionDimension(scale.betaSlow(), scale.originalContext());
        if (scale.truncate()) {
            low = Math.floor(low);
            high = Math.ceil(high);
        }
        low = Math.max(low, 0);
        high = Math.min(high, width - 1.0);
        double span = low == high ? 0.001 : high - low;
        for (int i = 0; i < frequencies.length; i++) {
            double ramp = Math.clamp((i - low) / span, 0, 1);
            double frequency = frequencies[i];
            frequencies[i] = (float) (frequency / scale.factor() * ramp + frequency * (1 - ramp));
        }
        return frequencies;
    }

    /// The pair that turns `rotations` times over the original context.
    private double correctionDimension(double rotations, int originalContext) {
        return width
                * Math.log(originalContext / (rotations * 2 * Math.PI))
                / (2 * Math.log(theta));
    }

    private float[] longRope(RopeScaling.LongRope scale, int length) {
        float[] frequencies = plain(theta);
        List<Double> factors =
                length > scale.originalContext() ? scale.longFactors() : scale.shortFactors();
        for (int i = 0; i < frequencies.length; i++) {
            frequencies[i] = (float) (frequencies[i] / factors.get(i));
        }
        return frequencies;
    }
}
