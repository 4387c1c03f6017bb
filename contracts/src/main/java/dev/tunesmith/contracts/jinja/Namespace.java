package dev.tunesmith.contracts.jinja;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/// What `namespace()` gives: the only value that a template can change.
public record Namespace(Map<String, Object> values) implements Membered {
    @Override
    public @Nullable Object member(String name) {
        return values.get(name);
    }

    public void put(String name, Object value) {
        checkName(name);
        values.put(name, value);
    }

    public static void checkName(String name) {
        if (name.startsWith("_")) {
            throw Undefined.forbidden(name).failure();
        }
    }
}
