package dev.tunesmith.engine.tensor;

/// Conversion between floats and the 16 bits of a bfloat16.
public final class Bfloat16 {

    private Bfloat16() {}

    /// Rounds to the nearest value, ties to even; NaN stays NaN.
    public static short of(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return (short) ((bits >>> 16) | 0x40);
        }
        return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
    }

    /// The exact value of 16 bits.
    public static float toFloat(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }
}
