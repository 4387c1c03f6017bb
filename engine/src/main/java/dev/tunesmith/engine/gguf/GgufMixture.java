package dev.tunesmith.engine.gguf;

import java.util.Arrays;
import java.util.Optional;

/// What an exported file holds its matrices in. Norms and biases always stay fp32.
public enum GgufMixture {
    F16(1, GgufType.F16),
    BF16(32, GgufType.BF16),
    Q8_0(7, GgufType.Q8_0),
    /// Four bits, six where errors cost most: llama.cpp's medium mixture.
    Q4_K_M(15, GgufType.Q4_K);

    private final int fileType;
    private final GgufType usual;

    GgufMixture(int fileType, GgufType usual) {
        this.fileType = fileType;
        this.usual = usual;
    }

    /// The mixture that a user names, in small or capital letters.
    public static Optional<GgufMixture> of(String name) {
        return Arrays.stream(values()).filter(one -> one.name().equalsIgnoreCase(name)).findFirst();
    }

    /// The number that a file states as `general.file_type`.
    int fileType() {
        return fileType;
    }

    /// The type of a matrix.
    ///
    /// @param name in the file
    /// @param layer of a matrix inside a layer, else -1
    /// @param tied whether the embedding is the head
    GgufType of(String name, int layer, int layers, boolean tied, long width) {
        boolean more = this == Q4_K_M && wantsMore(name, layer, layers, tied);
        return fitting(more ? GgufType.Q6_K : usual, width);
    }

    private static boolean wantsMore(String name, int layer, int layers, boolean tied) {
        if (layer < 0) {
            return name.equals(GgufFamily.HEAD) || (tied && name.equals(GgufFamily.EMBEDDING));
        }
        boolean sensitive = name.endsWith("attn_v.weight") || name.endsWith("ffn_down.weight");
        // The first and the last eighth of all layers, and every third between.
        boolean outer = layer < layers / 8 || layer >= 7 * layers / 8;
        return sensitive && (outer || (layer - layers / 8) % 3 == 2);
    }

    /// Rows that are no whole number of blocks take the next finer type that divides them.
    private static GgufType fitting(GgufType type, long width) {
        if (width % type.blockValues() == 0) {
            return type;
        }
        GgufType finer = type == GgufType.Q4_K ? GgufType.Q5_0 : GgufType.Q8_0;
        return width % finer.blockValues() == 0 ? finer : GgufType.F16;
    }
}
