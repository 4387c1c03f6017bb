package dev.tunesmith.contracts.optim;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/// An optimizer with every setting decided.
///
/// On the wire the name of the kind, or an object with `type` and all settings if one of them is
/// not the usual one.
///
/// @param values every setting of the kind by its key
public record OptimizerSpec(OptimizerKind kind, Map<String, Object> values) {

    /// AdamW as everybody uses it.
    public static final OptimizerSpec ADAMW = usual(OptimizerKind.ADAMW);

    public OptimizerSpec {
        var all = new LinkedHashMap<String, Object>();
        for (Setting setting : kind.settings()) {
            Object given = values.getOrDefault(setting.key(), setting.usual());
            all.put(
                    setting.key(),
                    switch (setting) {
                        case Setting.Real _ -> ((Number) given).doubleValue();
                        case Setting.Whole _ -> ((Number) given).intValue();
                        case Setting.Flag _, Setting.Word _, Setting.Name _ -> given;
                    });
        }
        values = Collections.unmodifiableMap(all);
    }

    /// The kind with its usual settings.
    public static OptimizerSpec usual(OptimizerKind kind) {
        return new OptimizerSpec(kind, Map.of());
    }

    /// AdamW with these constants.
    public static OptimizerSpec adamW(double beta1, double beta2, double epsilon) {
        return new OptimizerSpec(
                OptimizerKind.ADAMW, Map.of("beta1", beta1, "beta2", beta2, "epsilon", epsilon));
    }

    /// Reads the form of the wire.
    @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
    public static OptimizerSpec of(Object wire) {
        if (!(wire instanceof Map<?, ?> tree)) {
            return usual(OptimizerKind.of(wire.toString()));
        }
        var values = new LinkedHashMap<String, Object>();
        tree.forEach((key, value) -> values.put(key.toString(), value));
        return new OptimizerSpec(OptimizerKind.of(String.valueOf(tree.get("type"))), values);
    }

    /// The form of the wire.
    @JsonValue
    public Object wire() {
        if (equals(usual(kind))) {
            return kind.wire();
        }
        var tree = new LinkedHashMap<String, Object>();
        tree.put("type", kind.wire());
        tree.putAll(values);
        return tree;
    }

    /// A number among the settings.
    public double number(String key) {
        return ((Number) value(key)).doubleValue();
    }

    /// A whole number among the settings.
    public int whole(String key) {
        return ((Number) value(key)).intValue();
    }

    /// A yes or no among the settings.
    public boolean flag(String key) {
        return (Boolean) value(key);
    }

    /// A word among the settings.
    public String word(String key) {
        return (String) value(key);
    }

    private Object value(String key) {
        return Objects.requireNonNull(
                values.get(key), () -> "%s has no setting %s".formatted(kind.wire(), key));
    }
}
