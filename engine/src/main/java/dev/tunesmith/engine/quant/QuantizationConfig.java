package dev.tunesmith.engine.quant;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/// The `quantization_config` of a checkpoint, being read; collects what cannot be read.
final class QuantizationConfig {
    private final Map<?, ?> tree;
    private final String path;
    private final List<String> faults;

    QuantizationConfig(Map<?, ?> tree) {
        this(tree, "quantization_config", new ArrayList<>());
    }

    private QuantizationConfig(Map<?, ?> tree, String path, List<String> faults) {
        this.tree = tree;
        this.path = path;
        this.faults = faults;
    }

    List<String> faults() {
        return faults;
    }

    void fault(String text) {
        faults.add(path + ": " + text);
    }

    /// A part of it, empty if it is absent.
    QuantizationConfig part(String key) {
        Map<?, ?> part = tree.get(key) instanceof Map<?, ?> map ? map : Map.of();
        return new QuantizationConfig(part, path + "." + key, faults);
    }

    List<QuantizationConfig> parts() {
        return tree.keySet().stream().map(key -> part(String.valueOf(key))).toList();
    }

    boolean has(String key) {
        return tree.get(key) != null;
    }

    boolean flag(String key) {
        return Boolean.TRUE.equals(tree.get(key));
    }

    double number(String key, double otherwise) {
        return tree.get(key) instanceof Number number ? number.doubleValue() : otherwise;
    }

    int integer(String key, int otherwise) {
        Object value = tree.get(key);
        if (value == null) {
            return otherwise;
        }
        if (value instanceof Integer integer) {
            return integer;
        }
        fault("%s is %s, not an integer".formatted(key, value));
        return otherwise;
    }

    /// An integer that must be one of the first values; the default is the first of them.
    int integerAmong(String key, int... supported) {
        int value = integer(key, supported[0]);
        if (Arrays.stream(supported).noneMatch(one -> one == value)) {
            fault(
                    "%s %d is not supported (supported: %s)"
                            .formatted(key, value, Arrays.toString(supported)));
        }
        return value;
    }

    /// A text that must be one of the supported ones; the default is the first of them.
    String text(String key, String... supported) {
        Object value = tree.get(key);
        if (value == null) {
            return supported[0];
        }
        if (!List.of(supported).contains(value)) {
            fault(
                    "%s '%s' is not supported (supported: %s)"
                            .formatted(key, value, String.join(", ", supported)));
        }
        return String.valueOf(value);
    }

    /// A list of positive integers, or the default.
    List<Integer> sizes(String key, List<Integer> otherwise) {
        if (!(tree.get(key) instanceof List<?> list)) {
            return otherwise;
        }
        if (list.size() != otherwise.size()
                || !list.stream().allMatch(size -> size instanceof Integer n && n > 0)) {
            fault("%s is %s, not %d sizes".formatted(key, list, otherwise.size()));
            return otherwise;
        }
        return list.stream().map(Integer.class::cast).toList();
    }
}
