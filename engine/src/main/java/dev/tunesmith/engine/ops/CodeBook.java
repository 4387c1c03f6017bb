package dev.tunesmith.engine.ops;

import java.util.Arrays;

/// The 256 numbers of a dynamic 8-bit type ("8-bit optimizers", arXiv 2110.02861, appendix F), in
/// rising order: many near 0, where most of the values are.
///
/// @param values by code
/// @param middles between neighbours: above it a number belongs to the next code
// Arrays: never compared.
@SuppressWarnings("ArrayRecordComponent")
public record CodeBook(float[] values, float[] middles) {

    /// Numbers from −1 to 1, for averages of gradients and centred scales.
    public static final CodeBook SIGNED = of(0);

    /// Numbers from 0 to 1, for averages of squares.
    public static final CodeBook UNSIGNED = of(1);

    private static final int DECADES = 7;

    /// Middles of 2^(i + finer) parts of [0.1, 1] times 10^(i − 6) for i = 0…6, with both signs
    /// unless they are finer, and 0 and 1.
    private static CodeBook of(int finer) {
        float[] map = new float[256];
        int at = 0;
        for (int i = 0; i < DECADES; i++) {
            float power = (float) Math.pow(10, i - 6);
            int parts = 1 << (i + finer);
            for (int p = 0; p < parts; p++) {
                float middle = (border(p, parts) + border(p + 1, parts)) / 2;
                map[at++] = power * middle;
                if (finer == 0) {
                    map[at++] = -power * middle;
                }
            }
        }
        map[at++] = 0;
        map[at] = 1;
        Arrays.sort(map);
        float[] middles = new float[map.length - 1];
        for (int i = 0; i < middles.length; i++) {
            middles[i] = (map[i] + map[i + 1]) / 2;
        }
        return new CodeBook(map, middles);
    }

    /// A point of `linspace(0.1, 1, parts + 1)`, counted from the nearer end and rounded once, as
    /// torch does.
    private static float border(int index, int parts) {
        float step = (1f - 0.1f) / parts;
        return index < (parts + 1) / 2
                ? Math.fma(step, index, 0.1f)
                : Math.fma(-step, parts - index, 1f);
    }

    /// The code whose value is nearest; in the middle the smaller one.
    public byte nearest(float value) {
        int at = Arrays.binarySearch(middles, value);
        return (byte) (at >= 0 ? at : -at - 1);
    }

    /// The code of every bf16 number by its bits.
    public byte[] ofBfloat16() {
        byte[] codes = new byte[1 << 16];
        for (int bits = 0; bits < codes.length; bits++) {
            float value = Float.intBitsToFloat(bits << 16);
            codes[bits] = nearest(Float.isNaN(value) ? 0 : Math.clamp(value, -1f, 1f));
        }
        return codes;
    }
}
