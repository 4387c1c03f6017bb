package dev.tunesmith.engine.quant;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;

/// The sixteen values that a four-bit code can stand for, before they are scaled.
public enum FourBitKind {
    /// Quantiles of the normal distribution (QLoRA, arXiv 2305.14314).
    NF4,
    /// A float of three magnitude bits, divided by its largest value 12; bit 3 is the sign.
    FP4;

    /// Number of codes.
    public static final int CODES = 16;

    /// Name in checkpoints.
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// The kind of that name.
    public static Optional<FourBitKind> named(String wire) {
        return Arrays.stream(values()).filter(kind -> kind.wire().equals(wire)).findFirst();
    }

    /// The value of every code.
    public float[] table() {
        return switch (this) {
            case NF4 ->
                    new float[] {
                        -1.0f,
                        -0.6961928f,
                        -0.52507305f,
                        -0.3949175f,
                        -0.28444138f,
                        -0.18477343f,
                        -0.091050036f,
                        0.0f,
                        0.0795803f,
                        0.1609302f,
                        0.2461123f,
                        0.33791524f,
                        0.44070983f,
                        0.562617f,
                        0.72295684f,
                        1.0f
                    };
            case FP4 ->
                    new float[] {
                        0.0f,
                        0.0625f / 12,
                        8.0f / 12,
                        12.0f / 12,
                        4.0f / 12,
                        6.0f / 12,
                        2.0f / 12,
                        3.0f / 12,
                        0.0f,
                        -0.0625f / 12,
                        -8.0f / 12,
                        -12.0f / 12,
                        -4.0f / 12,
                        -6.0f / 12,
                        -2.0f / 12,
                        -3.0f / 12
                    };
        };
    }

    /// The codes from the smallest value to the largest. Both zeros are equal, so that their codes
    /// stay in order.
    byte[] order() {
        float[] table = table();
        byte[] order = new byte[CODES];
        List<Integer> sorted =
                IntStream.range(0, CODES)
                        .boxed()
                        .sorted(Comparator.comparingDouble(code -> table[code] + 0.0))
                        .toList();
        for (int rank = 0; rank < CODES; rank++) {
            order[rank] = sorted.get(rank).byteValue();
        }
        return order;
    }

    /// Middles between neighbouring values: what exceeds one belongs to the larger value.
    float[] bounds() {
        byte[] order = order();
        float[] table = table();
        float[] bounds = new float[CODES - 1];
        for (int rank = 0; rank < bounds.length; rank++) {
            bounds[rank] = (table[order[rank]] + table[order[rank + 1]]) / 2;
        }
        return bounds;
    }
}
