package dev.tunesmith.contracts.template;

import java.util.Map;

/// What `namespace()` gives: the only value that a template can change.
record Namespace(Map<String, Object> values) {
    void put(String name, Object value) {
        checkName(name);
        values.put(name, value);
    }

    static void checkName(String name) {
        if (name.startsWith("_")) {
            throw Undefined.forbidden(name).failure();
        }
    }
}
