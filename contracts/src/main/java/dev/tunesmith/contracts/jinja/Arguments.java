package dev.tunesmith.contracts.jinja;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The values of a call.
public record Arguments(List<Object> positional, Map<String, Object> named) {
    public static final Arguments NONE = new Arguments(List.of(), Map.of());

    public static Arguments of(Object... values) {
        return new Arguments(List.of(values), Map.of());
    }

    public int count() {
        return positional.size() + named.size();
    }

    /// The argument at a place or of a name.
    public Optional<Object> find(int place, String name) {
        if (place < positional.size()) {
            return Optional.of(positional.get(place));
        }
        return Optional.ofNullable(named.get(name));
    }

    public Object require(int place, String name) {
        return find(place, name)
                .orElseThrow(() -> TemplateException.runtime("missing argument '" + name + "'"));
    }

    public Object or(int place, String name, Object otherwise) {
        return find(place, name).orElse(otherwise);
    }

    public String text(int place, String name) {
        return Values.requireText(require(place, name), "argument '" + name + "'");
    }

    public String text(int place, String name, String otherwise) {
        Object value = or(place, name, otherwise);
        return value == Nothing.NONE ? otherwise : Values.requireText(value, name);
    }

    public int integer(int place, String name, int otherwise) {
        Object value = or(place, name, (long) otherwise);
        return value == Nothing.NONE ? otherwise : Numbers.requireInt(value);
    }

    public boolean truth(int place, String name, boolean otherwise) {
        return Values.truth(or(place, name, otherwise));
    }

    /// The arguments after the first.
    public Arguments rest() {
        return new Arguments(positional.subList(1, positional.size()), named);
    }

    /// The unnamed arguments; fails if there are too many.
    public List<Object> atMostPositional(int count) {
        if (positional.size() > count) {
            throw TemplateException.runtime(
                    "takes at most %d arguments, found %d".formatted(count, positional.size()));
        }
        return positional;
    }

    /// Fails if there are more than a function takes.
    public Arguments atMost(int count) {
        if (count() > count) {
            throw TemplateException.runtime(
                    "takes at most %d arguments, found %d".formatted(count, count()));
        }
        return this;
    }
}
