package dev.tunesmith.engine.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Typed access to a `config.json`; faults are collected, so that all of them are told at once.
final class ConfigReader {

    private final Map<String, Object> config;
    private final String path;
    private final List<String> faults;

    ConfigReader(Map<String, Object> config) {
        this(config, "", new ArrayList<>());
    }

    private ConfigReader(Map<String, Object> config, String path, List<String> faults) {
        this.config = config;
        this.path = path;
        this.faults = faults;
    }

    /// Throws if anything was wrong.
    void finish(String model) {
        if (!faults.isEmpty()) {
            throw new UnsupportedModelException(model, faults);
        }
    }

    void fault(String text) {
        faults.add(text);
    }

    boolean has(String key) {
        return config.get(key) != null;
    }

    /// A nested object, empty if it is absent or null.
    @SuppressWarnings("unchecked")
    ConfigReader child(String key) {
        return switch (config.get(key)) {
            case Map<?, ?> map ->
                    new ConfigReader((Map<String, Object>) map, path + key + ".", faults);
            case null -> new ConfigReader(Map.of(), path + key + ".", faults);
            default -> {
                fault("%s%s must be an object".formatted(path, key));
                yield new ConfigReader(Map.of(), path + key + ".", faults);
            }
        };
    }

    boolean isEmpty() {
        return config.isEmpty();
    }

    /// A required positive whole number.
    int size(String key) {
        return size(key, null);
    }

    int size(String key, @Nullable Integer absent) {
        switch (config.get(key)) {
            case Integer value when value > 0 -> {
                return value;
            }
            case null -> {
                if (absent != null) {
                    return absent;
                }
                fault("%s%s is missing".formatted(path, key));
            }
            case Object value ->
                    fault(
                            "%s%s must be a positive whole number, not %s"
                                    .formatted(path, key, value));
        }
        return 1;
    }

    /// A whole number of any sign.
    int integer(String key, int absent) {
        switch (config.get(key)) {
            case Integer value -> {
                return value;
            }
            case null -> {
                return absent;
            }
            case Object value ->
                    fault("%s%s must be a whole number, not %s".formatted(path, key, value));
        }
        return absent;
    }

    /// A number that may be said once for every layer, if it is the same for all.
    int same(String key, int absent) {
        if (!(config.get(key) instanceof List<?>)) {
            return size(key, absent);
        }
        List<Integer> all = integers(key);
        if (all.isEmpty() || all.stream().distinct().count() > 1) {
            fault("%s%s = %s: layers that differ are not supported".formatted(path, key, all));
            return absent;
        }
        return all.getFirst();
    }

    double number(String key, @Nullable Double absent) {
        switch (config.get(key)) {
            case Number value when Double.isFinite(value.doubleValue()) -> {
                return value.doubleValue();
            }
            case null -> {
                if (absent != null) {
                    return absent;
                }
                fault("%s%s is missing".formatted(path, key));
            }
            case Object value -> fault("%s%s must be a number, not %s".formatted(path, key, value));
        }
        return 1;
    }

    boolean flag(String key, boolean absent) {
        switch (config.get(key)) {
            case Boolean value -> {
                return value;
            }
            case null -> {
                return absent;
            }
            case Object value -> {
                fault("%s%s must be true or false, not %s".formatted(path, key, value));
                return absent;
            }
        }
    }

    String text(String key, String absent) {
        switch (config.get(key)) {
            case String value -> {
                return value;
            }
            case null -> {
                return absent;
            }
            case Object value -> {
                fault("%s%s must be a text, not %s".formatted(path, key, value));
                return absent;
            }
        }
    }

    /// A list of whole numbers, empty if the key is absent.
    List<Integer> integers(String key) {
        return config.get(key) == null
                ? List.of()
                : numbers(key).stream().map(Double::intValue).toList();
    }

    List<Double> numbers(String key) {
        if (config.get(key) instanceof List<?> list
                && list.stream().allMatch(Number.class::isInstance)) {
            return list.stream().map(value -> ((Number) value).doubleValue()).toList();
        }
        fault("%s%s must be a list of numbers".formatted(path, key));
        return List.of();
    }

    /// A list of texts, or null if the key is absent.
    @Nullable List<String> texts(String key) {
        switch (config.get(key)) {
            case List<?> list when list.stream().allMatch(String.class::isInstance) -> {
                return list.stream().map(Object::toString).toList();
            }
            case null -> {
                return null;
            }
            case Object value -> {
                fault("%s%s must be a list of texts, not %s".formatted(path, key, value));
                return null;
            }
        }
    }

    /// Refuses every value but those given (absent and null are fine).
    void only(String key, Object... allowed) {
        Object value = config.get(key);
        if (value == null || List.of(allowed).contains(value)) {
            return;
        }
        if (value instanceof Number number
                && List.of(allowed).stream()
                        .anyMatch(other ->
                                other instanceof Number n
                                        && n.doubleValue() == number.doubleValue())) {
            return;
        }
        fault(
                "%s%s = %s is not supported (supported: %s)"
                        .formatted(
                                path,
                                key,
                                value,
                                String.join(
                                        ", ",
                                        List.of(allowed).stream()
                                                .map(Objects::toString)
                                                .toList())));
    }
}
