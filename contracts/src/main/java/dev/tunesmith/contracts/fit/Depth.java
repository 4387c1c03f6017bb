package dev.tunesmith.contracts.fit;

import dev.tunesmith.contracts.optim.Setting;
import dev.tunesmith.contracts.optim.Setting.Real;
import dev.tunesmith.contracts.optim.Setting.Whole;
import dev.tunesmith.contracts.optim.Setting.Word;
import dev.tunesmith.contracts.optim.SettingValues;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// Whether every token passes all layers of the model that trains (Mixture-of-Depths, Raposo et
/// al., arXiv 2404.02258).
///
/// @param every of so many layers the last is passed by few tokens only
/// @param capacity share of the tokens of a text that passes it
/// @param lossWeight weight of the loss that teaches routers to tell those tokens alone
public record Depth(Start start, int every, double capacity, double lossWeight) {

    /// Every key of `x_training` that is about this.
    public static final List<Setting> SETTINGS =
            List.of(
                    new Word("mixture_of_depths", List.of("off", "convert", "load")),
                    new Whole("depth_every", 2, 1, 64),
                    new Real("depth_capacity", 0.125, 0.001, 1, false),
                    new Real("depth_loss_weight", 0.01, 0, 10, false));

    /// Every token passes all layers.
    public static final Depth OFF = of(Map.of());

    /// Where routers come from.
    public enum Start {
        /// There are none.
        OFF,
        /// The model gets new ones.
        CONVERT,
        /// The model has them.
        LOAD
    }

    /// The settings by their keys; those that are not named are the usual ones.
    public static Depth of(Map<String, Object> given) {
        SettingValues values = SettingValues.of(SETTINGS, given);
        return new Depth(
                Start.valueOf(values.word("mixture_of_depths").toUpperCase(Locale.ROOT)),
                values.whole("depth_every"),
                values.number("depth_capacity"),
                values.number("depth_loss_weight"));
    }

    /// Whether there are routers.
    public boolean on() {
        return start != Start.OFF;
    }

    /// Every setting that counts, by its key; the shape of a model that has routers is its own.
    public Map<String, Object> flat() {
        var flat = new LinkedHashMap<String, Object>();
        flat.put("mixture_of_depths", start.name().toLowerCase(Locale.ROOT));
        if (start == Start.CONVERT) {
            flat.put("depth_every", every);
            flat.put("depth_capacity", capacity);
        }
        if (on()) {
            flat.put("depth_loss_weight", lossWeight);
        }
        return flat;
    }
}
