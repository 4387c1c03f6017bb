package dev.tunesmith.engine.quant;

import dev.tunesmith.engine.ops.CodeBook;
import dev.tunesmith.engine.ops.FourBitMatrix.Scales;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/// Positive scales as 8-bit codes around their mean, by the dynamic map of bitsandbytes ("8-bit
/// optimizers", arXiv 2110.02861).
///
/// @param codes one a scale
/// @param outer the largest distance from the mean in each block of `block` scales
/// @param offset the mean
record EightBitScales(byte[] codes, float[] outer, int block, float offset) {

    private static final float LEAST = 1e-38f;

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
                codes[i] =
                        CodeBook.SIGNED.nearest(
                                cut ? distance / divisor : distance * (1 / divisor));
            }
        }
        return new EightBitScales(codes, outer, block, mean);
    }

    Scales place(Region region) {
        Tensor codes_S = region.tensor(DType.U8, codes.length);
        codes_S.setBytes(MemorySegment.ofArray(codes));
        return new Scales.Doubled(
                codes_S,
                region.floats(CodeBook.SIGNED.values(), 256),
                region.floats(outer, outer.length),
                block,
                offset);
    }
}
