package dev.tunesmith.cli.foreign;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// A parsed file as options by their dotted paths, `${a.b}` replaced by what stands there. Empty
/// options have no value.
record FlatFile(Map<String, Optional<Object>> options) {
    private static final Pattern REFERENCE = Pattern.compile("\\$\\{([A-Za-z0-9_.]+)}");
    private static final int DEPTH_MAX = 8;

    static FlatFile of(Map<?, ?> tree) {
        var flat = new LinkedHashMap<String, Optional<Object>>();
        add(flat, "", tree);
        for (int depth = 0; depth < DEPTH_MAX; depth++) {
            flat.replaceAll((key, value) -> value.map(found -> resolved(flat, found)));
        }
        return new FlatFile(flat);
    }

    private static void add(
            Map<String, Optional<Object>> flat, String path, @Nullable Object value) {
        String below = path.isEmpty() ? "" : path + ".";
        if (value instanceof Map<?, ?> map && !(map.isEmpty() && !path.isEmpty())) {
            map.forEach((key, inner) -> add(flat, below + key, inner));
        } else if (value instanceof List<?> list && list.stream().anyMatch(Map.class::isInstance)) {
            for (int i = 0; i < list.size(); i++) {
                add(flat, below + i, list.get(i));
            }
        } else {
            flat.put(path, Optional.<Object>ofNullable(value).filter(FlatFile::says));
        }
    }

    private static boolean says(Object value) {
        return switch (value) {
            case Map<?, ?> map -> !map.isEmpty();
            case List<?> list -> !list.isEmpty();
            default -> !value.toString().isEmpty();
        };
    }

    private static Object resolved(Map<String, Optional<Object>> flat, Object value) {
        if (!(value instanceof String text) || !text.contains("${")) {
            return value;
        }
        Matcher reference = REFERENCE.matcher(text);
        if (reference.matches()) {
            return flat.getOrDefault(reference.group(1), Optional.empty()).orElse(text);
        }
        return reference.replaceAll(found ->
                Matcher.quoteReplacement(
                        flat.getOrDefault(found.group(1), Optional.empty())
                                .map(Object::toString)
                                .orElse(found.group())));
    }

    /// The options that have a value.
    Map<String, Object> given() {
        var given = new LinkedHashMap<String, Object>();
        options.forEach((key, value) -> value.ifPresent(found -> given.put(key, found)));
        return given;
    }
}
