package dev.tunesmith.engine.gguf;

import java.nio.ByteBuffer;

/// Blocks of 256 values in groups, in the bytes that [SuperBlockDecoders] reads. Codes are those of
/// the scale, among some, whose weighted squared error is smallest: the larger a value, the more
/// its error counts.
final class SuperBlockEncoders {
    private static final int VALUES = 256;
    private static final int GROUPS = 8;
    private static final int GROUP = VALUES / GROUPS;
    private static final int SMALL_GROUP = 16;
    private static final int CODE_MAX = 15;

    /// Scales and least values have six bits.
    private static final int PART_MAX = 63;

    private SuperBlockEncoders() {}

    /// Eight groups of `scale · code − least`, with four bits a code.
    static void q4k(float[] from, int at, ByteBuffer to) {
        float[] scales = new float[GROUPS];
        float[] leasts = new float[GROUPS];
        float largestScale = 0;
        float largestLeast = 0;
        for (int group = 0; group < GROUPS; group++) {
            LineFit fit = LineFit.of(from, at + group * GROUP, GROUP, CODE_MAX);
            scales[group] = fit.scale();
            leasts[group] = fit.least();
            largestScale = Math.max(largestScale, fit.scale());
            largestLeast = Math.max(largestLeast, fit.least());
        }
        short scaleOfAll = Float.floatToFloat16(largestScale / PART_MAX);
        short leastOfAll = Float.floatToFloat16(largestLeast / PART_MAX);
        byte[] parts = new byte[12];
        byte[] codes = new byte[VALUES / 2];
        for (int group = 0; group < GROUPS; group++) {
            int scale = part(scales[group], largestScale);
            int least = part(leasts[group], largestLeast);
            pack(parts, group, scale, least);
            float step = Float.float16ToFloat(scaleOfAll) * scale;
            float offset = Float.float16ToFloat(leastOfAll) * least;
            for (int i = 0; i < GROUP && step != 0; i++) {
                float value = from[at + group * GROUP + i];
                int code = Math.clamp(Math.round((value + offset) / step), 0, CODE_MAX);
                codes[group / 2 * GROUP + i] |= (byte) (code << (group % 2 * 4));
            }
        }
        to.putShort(scaleOfAll).putShort(leastOfAll).put(parts).put(codes);
    }

    private static int part(float of, float largest) {
        return largest == 0 ? 0 : Math.min(PART_MAX, Math.round(PART_MAX / largest * of));
    }

    /// Six bits of scale and least value of eight groups in twelve bytes: those of the last four
    /// groups have their upper two bits above those of the first four.
    private static void pack(byte[] parts, int group, int scale, int least) {
        if (group < 4) {
            parts[group] |= (byte) scale;
            parts[group + 4] |= (byte) least;
        } else {
            parts[group + 4] = (byte) ((scale & 15) | (least & 15) << 4);
            parts[group - 4] |= (byte) (scale >> 4 << 6);
            parts[group] |= (byte) (least >> 4 << 6);
        }
    }

    /// Sixteen groups of `scale · code`, with six bits a code.
    static void q6k(float[] from, int at, ByteBuffer to) {
        int groups = VALUES / SMALL_GROUP;
        float[] scales = new float[groups];
        float farthest = 0;
        for (int group = 0; group < groups; group++) {
            scales[group] = centredScale(from, at + group * SMALL_GROUP);
            farthest = Math.abs(scales[group]) > Math.abs(farthest) ? scales[group] : farthest;
        }
        short ofAll = Float.floatToFloat16(farthest / -128);
        byte[] parts = new byte[groups];
        byte[] low = new byte[VALUES / 2];
        byte[] high = new byte[VALUES / 4];
        for (int i = 0; i < VALUES && farthest != 0; i++) {
            int group = i / SMALL_GROUP;
            int part = Math.min(127, Math.round(scales[group] * (-128 / farthest)));
            parts[group] = (byte) part;
            float step = Float.float16ToFloat(ofAll) * part;
            int code = step == 0 ? 32 : Math.clamp(Math.round(from[at + i] / step), -32, 31) + 32;
            int run = i % 128 / 32;
            low[i / 128 * 64 + run % 2 * 32 + i % 32] |= (byte) ((code & 15) << (run / 2 * 4));
            high[i / 128 * 32 + i % 32] |= (byte) (code >> 4 << (2 * run));
        }
        to.put(low).put(high).put(parts).putShort(ofAll);
    }

    /// The scale of 16 values around 0 with codes from -32 to 31: the value farthest from 0 is
    /// tried at codes around -32.
    private static float centredScale(float[] from, int at) {
        float farthest = 0;
        for (int i = 0; i < SMALL_GROUP; i++) {
            farthest = Math.abs(from[at + i]) > Math.abs(farthest) ? from[at + i] : farthest;
        }
        if (farthest == 0) {
            return 0;
        }
        double best = 0;
        double scale = 0;
        for (int tenth = -9; tenth <= 9; tenth++) {
            float inverse = -(32 + 0.1f * tenth) / farthest;
            double products = 0;
            double squares = 0;
            for (int i = 0; i < SMALL_GROUP; i++) {
                float value = from[at + i];
                int code = Math.clamp(Math.round(inverse * value), -32, 31);
                double weight = value * value;
                products += weight * value * code;
                squares += weight * code * code;
            }
            // What a scale of products/squares takes away from the error.
            if (squares > 0 && products * products / squares > best) {
                best = products * products / squares;
                scale = products / squares;
            }
        }
        return (float) scale;
    }
}
