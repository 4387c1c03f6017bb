package dev.tunesmith.contracts.method;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.List;
import java.util.Locale;

/// Whether a job trains an adapter, of which kind, or all weights.
public enum AdapterKind {
    /// All weights.
    NONE(""),
    /// The weights of some layers or modules.
    FREEZE("trainable_layers trainable_modules extra_modules"),
    /// Copies of layers between the others, which begin as if they were not there (LLaMA Pro, arXiv
    /// 2401.02415).
    LLAMA_PRO("new_blocks"),
    /// The weights of those layers whose matrices hold most signal (Spectrum, arXiv 2406.06623).
    SPECTRUM("trainable_share trainable_modules extra_modules"),
    /// A low-rank adapter beside weights as they are.
    LORA(
            "rank alpha dropout target_modules use_rslora export quantization double_quantization"
                    + Keys.REFINED),
    /// A low-rank adapter beside quantised weights.
    QLORA(
            "rank alpha dropout target_modules use_rslora export quantization double_quantization"
                    + Keys.REFINED),
    /// Low-rank factors for the direction of weights, whose length trains by itself.
    DORA(
            "rank alpha dropout target_modules use_rslora export quantization double_quantization"
                    + Keys.REFINED),
    /// Low-rank factors that begin with the largest singular components of the weights.
    PISSA("rank alpha dropout target_modules use_rslora export"),
    /// Low-rank factors that begin with an orthogonal decomposition of the weights.
    OLORA("rank alpha dropout target_modules use_rslora export"),
    /// Low-rank factors that begin with what quantisation has lost.
    LOFTQ("rank alpha dropout target_modules use_rslora export quantization double_quantization"),
    /// Low-rank factors of which the least important are switched off on the way.
    ADALORA("rank alpha dropout target_modules export"),
    /// Two vectors a layer between random matrices that all layers share.
    VERA("rank dropout target_modules export"),
    /// A factor for every output of attention and every input of the last MLP layer.
    IA3("target_modules export"),
    /// The input of layers is rotated in blocks.
    OFT("block_size target_modules export"),
    /// The input of layers is rotated in blocks, and their output scaled.
    BOFT("block_size target_modules export"),
    /// Learned tokens before every text.
    PROMPT_TUNING("virtual_tokens export"),
    /// Learned tokens before every text, made by a small network while they train.
    P_TUNING("virtual_tokens export"),
    /// Learned keys and values before every text, in all layers.
    PREFIX_TUNING("virtual_tokens export");

    /// Settings that only some adapters have.
    public static final List<String> KEYS =
            List.of(
                    "rank",
                    "alpha",
                    "dropout",
                    "target_modules",
                    "use_rslora",
                    "export",
                    "quantization",
                    "double_quantization",
                    "block_size",
                    "virtual_tokens",
                    "trainable_layers",
                    "trainable_modules",
                    "extra_modules",
                    "new_blocks",
                    "trainable_share",
                    "rank_pattern",
                    "alpha_pattern",
                    "exclude_modules",
                    "modules_to_save",
                    "bias",
                    "loraplus_lr_ratio",
                    "loraplus_lr_embedding");

    /// Settings of several kinds.
    private static final class Keys {
        private static final String REFINED =
                " rank_pattern alpha_pattern exclude_modules trainable_layers modules_to_save bias"
                        + " loraplus_lr_ratio loraplus_lr_embedding";
    }

    private final String keys;

    AdapterKind(String keys) {
        this.keys = keys;
    }

    /// Settings that this kind has.
    public List<String> keys() {
        return keys.isEmpty() ? List.of() : List.of(keys.split(" "));
    }

    /// Whether it trains a pair of low-rank factors, or vectors beside them.
    public boolean lowRank() {
        return keys().contains("rank");
    }

    /// Whether weights of the model itself train, so that the result is a whole model.
    public boolean weights() {
        return switch (this) {
            case NONE, FREEZE, LLAMA_PRO, SPECTRUM -> true;
            case LORA,
                    QLORA,
                    DORA,
                    PISSA,
                    OLORA,
                    LOFTQ,
                    ADALORA,
                    VERA,
                    IA3,
                    OFT,
                    BOFT,
                    PROMPT_TUNING,
                    P_TUNING,
                    PREFIX_TUNING ->
                    false;
        };
    }

    /// Whether it learns tokens that stand before every text; they are no weights.
    public boolean virtualTokens() {
        return keys().contains("virtual_tokens");
    }

    @JsonCreator
    public static AdapterKind of(String wire) {
        return valueOf(wire.toUpperCase(Locale.ROOT));
    }

    @JsonValue
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }
}
