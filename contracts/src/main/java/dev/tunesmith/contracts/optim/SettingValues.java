package dev.tunesmith.contracts.optim;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/// The values of some settings: those that were given, of all others the usual ones.
public final class SettingValues {
    private final Map<String, Object> values = new LinkedHashMap<>();

    /// @param given values by key; what is no setting is left out
    public SettingValues(List<Setting> settings, Map<String, Object> given) {
        settings.forEach(setting ->
                values.put(setting.key(), given.getOrDefault(setting.key(), setting.usual())));
    }

    private Object value(String key) {
        return Objects.requireNonNull(values.get(key), key);
    }

    public double number(String key) {
        return ((Number) value(key)).doubleValue();
    }

    public int whole(String key) {
        return ((Number) value(key)).intValue();
    }

    public boolean flag(String key) {
        return (Boolean) value(key);
    }

    public String text(String key) {
        return (String) value(key);
    }
}
