package dev.tunesmith.contracts.template;

import dev.tunesmith.contracts.jinja.Undefined;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// Names and their values; what is not here is looked up further out.
final class Scope {
    private final Optional<Scope> outer;
    private final Map<String, Object> values;

    private Scope(Optional<Scope> outer, Map<String, Object> values) {
        this.outer = outer;
        this.values = values;
    }

    static Scope outermost(Map<String, Object> values) {
        return new Scope(Optional.empty(), new LinkedHashMap<>(values));
    }

    Scope inner() {
        return new Scope(Optional.of(this), new LinkedHashMap<>());
    }

    void put(String name, Object value) {
        values.put(name, value);
    }

    Object get(String name) {
        Optional<Scope> scope = Optional.of(this);
        while (scope.isPresent()) {
            Object found = scope.get().values.get(name);
            if (found != null) {
                return found;
            }
            scope = scope.get().outer;
        }
        return Undefined.name(name);
    }
}
