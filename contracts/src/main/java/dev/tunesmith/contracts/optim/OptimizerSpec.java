package dev.tunesmith.contracts.optim;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.LinkedHashMap;
import java.util.Map;

/// An optimizer with every setting decided.
///
/// On the wire the name of the kind, or an object with `type` and all settings if one of them is
/// not the usual one.
///
/// @param values every setting of the kind by its key
public record OptimizerSpec(OptimizerKind kind, Map<String, Object> values)
        implements SettingValues {

    /// AdamW as everybody uses it.
    public static final OptimizerSpec ADAMW = usual(OptimizerKind.ADAMW);

    public OptimizerSpec {
        values = SettingValues.completed(kind.settings(), values);
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
}
