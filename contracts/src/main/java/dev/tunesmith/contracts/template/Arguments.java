package dev.tunesmith.contracts.template;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The values of a call.
record Arguments(List<Object> positional, Map<String, Object> named) {
    static final Arguments NONE = new Arguments(List.of(), Map.of());

    static Arguments of(Object... values) {
        return new Arguments(List.of(values), Map.of());
    }

    int count() {
        return positional.size() + named.size();
    }

    /// The argument at a place or of a name.
    Optional<Object> find(int place, String name) {
        if (place < positional.size()) {
            return Optional.of(positional.get(place));
        }
        return Optional.ofNullable(named.get(name));
    }

    Object require(int place, String name) {
        return find(place, name)
                .orElseThrow(() -> TemplateException.runtime("missing argument '" + name + "'"));
    }

    Object or(int place, String name, Object otherwise) {
        return find(place, name).orElse(otherwise);
    }

    String text(int place, String name) {
        return Values.requireText(require(place, name), "argument '" + name + "'");
    }

    String text(int place, String name, String otherwise) {
        Object value = or(place, name, otherwise);
        return value == Nothing.NONE ? otherwise : Values.requireText(value, name);
    }

    int integer(int place, String name, int otherwise) {
        Object value = or(place, name, (long) otherwise);
        return value == Nothing.NONE ? otherwise : Numbers.requireInt(value);
    }

    boolean truth(int place, String name, boolean otherwise) {
        return Values.truth(or(place, name, otherwise));
    }

    /// The arguments after the first.
    Arguments rest() {
        return new Arguments(positional.subList(1, positional.size()), named);
    }

    Arguments without(String name) {
        var copy = new LinkedHashMap<>(named);
        copy.remove(name);
        return new Arguments(positional, copy);
    }

    /// The unnamed arguments; fails if there are too many.
    List<Object> atMostPositional(int count) {
        if (positional.size() > count) {
            throw TemplateException.runtime(
                    "takes at most %d arguments, found %d".formatted(count, positional.size()));
        }
        return positional;
    }

    /// Fails if there are more than a function takes.
    Arguments atMost(int count) {
        if (count() > count) {
            throw TemplateException.runtime(
                    "takes at most %d arguments, found %d".formatted(count, count()));
        }
        return this;
    }
}
