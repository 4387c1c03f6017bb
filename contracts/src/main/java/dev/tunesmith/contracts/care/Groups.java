package dev.tunesmith.contracts.care;

import dev.tunesmith.contracts.optim.Setting;
import dev.tunesmith.contracts.optim.Setting.Flag;
import dev.tunesmith.contracts.optim.Setting.Real;
import dev.tunesmith.contracts.optim.Setting.Word;
import dev.tunesmith.contracts.optim.SettingValues;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// How parts of a model are treated apart by its optimizer.
///
/// @param decayNorms whether weight decay touches the weights of norms
/// @param decayBiases whether it touches biases
/// @param decayEmbeddings whether it touches the tables of tokens and the head
/// @param layerDecay factor of the learning rate from one layer to the one below; 1 for equal rates
/// @param gradientLimit largest absolute value of a gradient; 0 for none
/// @param states where the optimizer's states lie
public record Groups(
        boolean decayNorms,
        boolean decayBiases,
        boolean decayEmbeddings,
        double layerDecay,
        double gradientLimit,
        States states) {

    /// Every key of `x_training` that is about this.
    public static final List<Setting> SETTINGS =
            List.of(
                    new Flag("decay_norms", false),
                    new Flag("decay_biases", false),
                    new Flag("decay_embeddings", true),
                    new Real("layer_lr_decay", 1, 1e-3, 1, false),
                    new Real("max_grad_value", 0, 0, 1e6, false),
                    new Word("optimizer_states", List.of("memory", "disk")));

    /// Everything as other trainers do it.
    public static final Groups USUAL = of(Map.of());

    /// Where an optimizer's states lie.
    public enum States {
        MEMORY,
        /// In a mapped file, whose pages the system takes into memory while they are needed.
        DISK
    }

    /// The settings by their keys; those that are not named are the usual ones.
    public static Groups of(Map<String, Object> given) {
        SettingValues values = SettingValues.of(SETTINGS, given);
        return new Groups(
                values.flag("decay_norms"),
                values.flag("decay_biases"),
                values.flag("decay_embeddings"),
                values.number("layer_lr_decay"),
                values.number("max_grad_value"),
                States.valueOf(values.word("optimizer_states").toUpperCase(Locale.ROOT)));
    }

    /// Every setting by its key.
    public Map<String, Object> flat() {
        var flat = new LinkedHashMap<String, Object>();
        flat.put("decay_norms", decayNorms);
        flat.put("decay_biases", decayBiases);
        flat.put("decay_embeddings", decayEmbeddings);
        flat.put("layer_lr_decay", layerDecay);
        flat.put("max_grad_value", gradientLimit);
        flat.put("optimizer_states", states.name().toLowerCase(Locale.ROOT));
        return flat;
    }
}
