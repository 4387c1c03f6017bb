package dev.tunesmith.engine.quant;

import dev.tunesmith.engine.ops.FourBitMatrix.Scales;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/// Positive scales as 8-bit codes around their mean, by the dynamic map of bitsandbytes ("8-bit
/// optimizers", arXiv 2110.02861).
///
/// @param codes one a scale
/// @param outer the largest distance from the mean in each block of `block` scales
/// @param offset the mean
record EightBitScales(byte[] codes, float[] outer, int block, float offset) {

    private static final float LEAST = 1e-38f;
    private static final float[] MAP = dynamicMap();
    private static final float[] BOUNDS = bounds(MAP);

    /// Quantises scales.
    static EightBitScales of(float[] scales, int block) {
        float mean = PairwiseSum.of(scales) / scales.length;
        byte[] codes = new byte[scales.length];
        float[] outer = new float[Math.ceilDiv(scales.length, block)];
        for (int b = 0; b < outer.length; b++) {
            int begin = b * block;
            int end = Math.min(scales.length, begin + block);
            float largest = 0;
            for (int i = begin; i < end; i++) {
                largest = Math.max(largest, Math.abs(scales[i] - mean));
            }
            // A block that is cut short divides, a whole one multiplies: as bitsandbytes does.
            boolean cut = end - begin < block;
            float divisor = Math.max(largest, LEAST);
            outer[b] = cut ? divisor : largest;
            for (int i = begin; i < end; i++) {
                float distance = scales[i] - mean;
                codes[i] = nearest(cut ? distance / divisor : distance * (1 / divisor));
            }
        }
        return new EightBitScales(codes, outer, block, mean);
    }

    /// The code whose value is nearest; in the middle the smaller one.
    private static byte nearest(float value) {
        int at = Arrays.binarySearch(BOUNDS, value);
        return (byte) (at >= 0 ? at : -at - 1);
    }

    Scales place(Region region) {
        Tensor codes_S = region.tensor(DType.U8, codes.length);
        codes_S.segment().copyFrom(MemorySegment.ofArray(codes));
        return new Scales.Doubled(
                codes_S,
                region.floats(MAP, MAP.length),
                region.floats(outer, outer.length),
                block,
                offset);
    }

    /// Middles of 2^i parts of [0.1, 1] times 10^(i − 6) for i = 0…6, both signs, and 0 and 1.
    private static float[] dynamicMap() {
        float[] map = new float[256];
        int at = 0;
        for (int i = 0; i < 7; i++) {
            float power = (float) Math.pow(10, i - 6);
            int parts = 1 << i;
            for (int p = 0; p < parts; p++) {
                float middle = (border(p, parts) + border(p + 1, parts)) / 2;
                map[at++] = power * middle;
                map[at++] = -power * middle;
            }
        }
        map[at++] = 0;
        map[at] = 1;
        Arrays.sort(map);
        return map;
    }

    /// A point of `linspace(0.1, 1, parts + 1)`, counted from the nearer end and rounded once, as
    /// torch does.
    private static float border(int index, int parts) {
        float step = (1f - 0.1f) / parts;
        return index < (parts + 1) / 2
                ? Math.fma(step, index, 0.1f)
                : Math.fma(-step, parts - index, 1f);
    }

    private static float[] bounds(float[] map) {
        float[] bounds = new float[map.length - 1];
        for (int i = 0; i < bounds.length; i++) {
            bounds[i] = (map[i] + map[i + 1]) / 2;
        }
        return bounds;
    }
}
