package dev.tunesmith.kernels.cpu;

/// Deterministic inputs, and bf16 in Java.
final class Numbers {
    private Numbers() {}

    /// Values in about ±1.5 by formula, already rounded to the type, so that the fp64 twin and the
    /// kernel read the same numbers.
    static double[] wave(Element type, int count, int seed) {
        double[] values = new double[count];
        for (int i = 0; i < count; i++) {
            double v = Math.sin(i * 0.731 + seed) + 0.5 * Math.cos(i * 1.917 + 3 * seed);
            values[i] = rounded(type, v);
        }
        return values;
    }

    static double[] scaled(Element type, double[] values, double factor) {
        double[] result = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            result[i] = rounded(type, values[i] * factor);
        }
        return result;
    }

    static double rounded(Element type, double value) {
        return type == Element.F32 ? (float) value : value(bits((float) value));
    }

    /// Round to nearest even.
    static short bits(float value) {
        int u = Float.floatToRawIntBits(value);
        return (short) ((u + ((u >>> 16) & 1) + 0x7fff) >>> 16);
    }

    static float value(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }
}
