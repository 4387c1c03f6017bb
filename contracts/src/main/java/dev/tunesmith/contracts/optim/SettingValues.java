package dev.tunesmith.contracts.optim;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/// The values of some settings: those that were given, of all others the usual ones.
public interface SettingValues {

    /// Every setting by its key.
    Map<String, Object> values();

    /// The values by key of some settings.
    ///
    /// @param given what is no setting is left out
    static SettingValues of(List<Setting> settings, Map<String, Object> given) {
        Map<String, Object> all = completed(settings, given);
        return () -> all;
    }

    /// What was given, completed by what is usual: numbers of the kind of their setting.
    static Map<String, Object> completed(List<Setting> settings, Map<String, Object> given) {
        var all = new LinkedHashMap<String, Object>();
        for (Setting setting : settings) {
            Object value = given.getOrDefault(setting.key(), setting.usual());
            all.put(
                    setting.key(),
                    switch (setting) {
                        case Setting.Real _ -> ((Number) value).doubleValue();
                        case Setting.Whole _ -> ((Number) value).intValue();
                        case Setting.Flag _, Setting.Word _, Setting.Name _ -> value;
                    });
        }
        return Collections.unmodifiableMap(all);
    }

    /// A number among the settings.
    default double number(String key) {
        return ((Number) value(key)).doubleValue();
    }

    /// A whole number among the settings.
    default int whole(String key) {
        return ((Number) value(key)).intValue();
    }

    /// A yes or no among the settings.
    default boolean flag(String key) {
        return (Boolean) value(key);
    }

    /// A word among the settings.
    default String word(String key) {
        return (String) value(key);
    }

    private Object value(String key) {
        return Objects.requireNonNull(values().get(key), () -> "there is no setting " + key);
    }
}
