package dev.tunesmith.engine.nn;

import org.jspecify.annotations.Nullable;

/// Sizes and switches of an attention layer.
///
/// @param scale factor of the scores before the softmax, usually `1/√headWidth`
/// @param softCap scores become `c · tanh(s/c)`; 0 means no cap
/// @param norm how queries and keys are normalised
/// @param bias which projections have a bias
/// @param clip largest size of a value of queries, keys and values; 0 for any
/// @param latent sizes of the latent rows that queries, keys and values pass; null for none
public record AttentionShape(
        int heads,
        int kvHeads,
        int headWidth,
        double scale,
        double softCap,
        QueryKeyNorm norm,
        Bias bias,
        double clip,
        @Nullable Latent latent) {

    /// Without latent rows.
    public AttentionShape(
            int heads,
            int kvHeads,
            int headWidth,
            double scale,
            double softCap,
            QueryKeyNorm norm,
            Bias bias) {
        this(heads, kvHeads, headWidth, scale, softCap, norm, bias, 0, null);
    }

    /// With latent rows, and values of any size.
    public AttentionShape(
            int heads,
            int kvHeads,
            int headWidth,
            double scale,
            double softCap,
            QueryKeyNorm norm,
            Bias bias,
            @Nullable Latent latent) {
        this(heads, kvHeads, headWidth, scale, softCap, norm, bias, 0, latent);
    }

    /// Sizes of latent attention.
    ///
    /// @param queryRank width of the rows that queries pass; 0 for none
    /// @param keyRank width of the rows that keys and values pass
    /// @param plain dimensions of a head that do not turn
    /// @param turning dimensions of a head that turn
    /// @param value dimensions of a value
    public record Latent(int queryRank, int keyRank, int plain, int turning, int value) {}

    Latent latentOrThrow() {
        if (latent == null) {
            throw new IllegalStateException("no latent rows");
        }
        return latent;
    }

    /// Width of the value of one head, as the output layer reads it.
    public int valueWidth() {
        return latent == null ? headWidth : latent.value;
    }

    /// Normalisation of queries and keys.
    public enum QueryKeyNorm {
        /// None.
        NONE,
        /// Every head by itself, with one gain for all heads.
        PER_HEAD,
        /// The same behind the rotation.
        PER_TURNED_HEAD,
        /// Every head by itself, to mean 0 and variance 1, each with a gain of its own.
        EACH_HEAD,
        /// All heads of a token together.
        WHOLE
    }

    /// Biases of the projections.
    public enum Bias {
        /// None.
        NONE,
        /// Query, key and value.
        QKV,
        /// Query, key, value and output.
        ALL
    }

    public AttentionShape {
        if (heads < 1 || kvHeads < 1 || heads % kvHeads != 0) {
            throw new IllegalArgumentException(
                    "%d query heads cannot share %d key-value heads".formatted(heads, kvHeads));
        }
    }

    /// The same with another number of key-value heads.
    public AttentionShape withKeyHeads(int other) {
        return new AttentionShape(
                heads, other, headWidth, scale, softCap, norm, bias, clip, latent);
    }

    /// The same with values of at most that size.
    public AttentionShape withClip(double largest) {
        return new AttentionShape(
                heads, kvHeads, headWidth, scale, softCap, norm, bias, largest, latent);
    }

    /// Width of all query heads together.
    public int queryWidth() {
        return heads * headWidth;
    }

    /// Width of all key heads together.
    public int keyWidth() {
        return kvHeads * headWidth;
    }
}
