package dev.tunesmith.engine.quant;

import dev.tunesmith.engine.ops.GroupedMatrix;

/// Floats of eight bits: a sign, four bits of exponent and three of mantissa, without infinities
/// (E4M3 of arXiv 2209.05433).
public final class Float8 {
    /// The largest value.
    public static final float MAX = 448;

    private static final int NAN = 0x7f;
    private static final int BIAS = 7;

    private Float8() {}

    /// The values of all 256 codes.
    public static float[] values() {
        float[] values = new float[GroupedMatrix.CODES];
        for (int code = 0; code < values.length; code++) {
            values[code] = value(code);
        }
        return values;
    }

    private static float value(int code) {
        int size = code & NAN;
        if (size == NAN) {
            return Float.NaN;
        }
        int exponent = size >> 3;
        int mantissa = size & 7;
        float value =
                exponent == 0
                        ? Math.scalb((float) mantissa, 1 - BIAS - 3)
                        : Math.scalb((float) (8 + mantissa), exponent - BIAS - 3);
        return code > NAN ? -value : value;
    }

    /// The code of the nearest value, ties to the even code; what is beyond the largest value gets
    /// its code.
    public static byte code(float value) {
        int sign = Float.floatToRawIntBits(value) < 0 ? 0x80 : 0;
        float size = Math.abs(value);
        if (Float.isNaN(size)) {
            return (byte) (sign | NAN);
        }
        if (size >= MAX) {
            return (byte) (sign | (NAN - 1));
        }
        int exponent = Math.max(Math.getExponent(size), 1 - BIAS);
        int steps = (int) Math.rint(Math.scalb((double) size, 3 - exponent));
        int code = ((exponent + BIAS - 1) << 3) + steps;
        return (byte) (sign | Math.min(code, NAN - 1));
    }
}
