package dev.tunesmith.contracts.tool;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// The functions that an answer may call, and what their parameters are.
///
/// Formats with tags write texts bare, so only the schema of a function tells the text `12` from
/// the number.
public final class Signatures {

    /// Nothing is known of functions.
    public static final Signatures UNKNOWN = new Signatures(Map.of());

    private static final int DEPTH_MAX = 16;

    private final Map<String, Map<String, Set<String>>> functions;

    private Signatures(Map<String, Map<String, Set<String>>> functions) {
        this.functions = functions;
    }

    /// Those of functions as the wire describes them: bare, or wrapped in `{"type": "function"}`.
    public static Signatures of(List<? extends Map<?, ?>> tools) {
        Map<String, Map<String, Set<String>>> functions = new LinkedHashMap<>();
        for (Map<?, ?> tool : tools) {
            Map<?, ?> function = tool.get("function") instanceof Map<?, ?> inner ? inner : tool;
            if (function.get("name") instanceof String name) {
                functions.put(name, parameters(function));
            }
        }
        return new Signatures(functions);
    }

    private static Map<String, Set<String>> parameters(Map<?, ?> function) {
        Map<String, Set<String>> types = new LinkedHashMap<>();
        if (function.get("parameters") instanceof Map<?, ?> schema
                && schema.get("properties") instanceof Map<?, ?> properties) {
            properties.forEach(
                    (name, property) -> types.put(String.valueOf(name), types(property, 0)));
        }
        return types;
    }

    /// The JSON types that a schema allows; empty if it does not say.
    private static Set<String> types(@Nullable Object schema, int depth) {
        Set<String> types = new TreeSet<>();
        if (!(schema instanceof Map<?, ?> map) || depth > DEPTH_MAX) {
            return types;
        }
        if (map.get("type") instanceof Collection<?> several) {
            several.forEach(type -> types.add(String.valueOf(type)));
        } else if (map.get("type") != null) {
            types.add(String.valueOf(map.get("type")));
        } else if (map.get("enum") instanceof Collection<?> values) {
            values.forEach(value -> types.add(type(value)));
        } else if (map.containsKey("const")) {
            types.add(type(map.get("const")));
        } else {
            List<Object> choices = new ArrayList<>();
            for (String key : List.of("anyOf", "oneOf")) {
                if (map.get(key) instanceof Collection<?> several) {
                    choices.addAll(several);
                }
            }
            for (Object choice : choices) {
                Set<String> allowed = types(choice, depth + 1);
                if (allowed.isEmpty()) {
                    return allowed;
                }
                types.addAll(allowed);
            }
        }
        return types;
    }

    private static String type(@Nullable Object value) {
        return switch (value) {
            case null -> "null";
            case String _ -> "string";
            case Boolean _ -> "boolean";
            case Map<?, ?> _ -> "object";
            case Collection<?> _ -> "array";
            case Double number when number != Math.rint(number) -> "number";
            default -> "integer";
        };
    }

    /// Whether a name is that of a function, or nothing is known of functions.
    boolean allows(String function) {
        return functions.isEmpty() || functions.containsKey(function);
    }

    /// Whether a parameter may be a text.
    boolean mayBeText(String function, String parameter) {
        return allowed(function, parameter).contains("string");
    }

    /// Whether a value that can be read as JSON is what a parameter takes, rather than its text.
    boolean takes(String function, String parameter, @Nullable Object value) {
        Set<String> allowed = allowed(function, parameter);
        String type = type(value);
        boolean named = allowed.contains(type) && !type.equals("string");
        boolean whole = type.equals("integer") && allowed.contains("number");
        return named || whole || !allowed.contains("string");
    }

    private Set<String> allowed(String function, String parameter) {
        return functions.getOrDefault(function, Map.of()).getOrDefault(parameter, Set.of());
    }
}
