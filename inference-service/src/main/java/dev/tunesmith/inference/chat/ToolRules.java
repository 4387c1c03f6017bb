package dev.tunesmith.inference.chat;

import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.json.JsonException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Reads the functions that an answer may call.
final class ToolRules {
    private static final int TOOLS_MAX = 128;
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_-]{1,64}");

    private ToolRules() {}

    /// The functions of a request; none when it forbids calling them.
    static List<Map<String, Object>> read(Fields fields) {
        Object choice = fields.raw("tool_choice");
        if (!List.of("", "none", "auto").contains(choice)) {
            fields.problem(
                    ProblemCode.UNSUPPORTED_PARAMETER,
                    "tool_choice",
                    "only \"none\" and \"auto\" are supported: answers are not constrained to a"
                            + " call");
        }
        if (!fields.has("tools")) {
            return List.of();
        }
        if (!(fields.raw("tools") instanceof List<?> list) || list.size() > TOOLS_MAX) {
            fields.problem(
                    ProblemCode.INVALID_VALUE,
                    "tools",
                    "expected a list of at most %d functions".formatted(TOOLS_MAX));
            return List.of();
        }
        var tools = new ArrayList<Map<String, Object>>();
        for (int i = 0; i < list.size(); i++) {
            tools.add(tool(list.get(i), "tools[" + i + "]", fields));
        }
        return choice.equals("none") ? List.of() : tools;
    }

    private static Map<String, Object> tool(@Nullable Object item, String param, Fields fields) {
        var tool = new LinkedHashMap<String, Object>();
        if (item instanceof Map<?, ?> map && "function".equals(map.get("type"))) {
            boolean named =
                    map.get("function") instanceof Map<?, ?> function
                            && function.get("name") instanceof String name
                            && NAME.matcher(name).matches();
            if (!named) {
                fields.problem(
                        ProblemCode.INVALID_VALUE,
                        param + ".function.name",
                        "expected 1 to 64 letters, digits, _ or -");
            }
            map.forEach((key, value) -> {
                if (value != null) {
                    tool.put(String.valueOf(key), value);
                }
            });
        } else {
            fields.problem(
                    ProblemCode.UNSUPPORTED_PARAMETER,
                    param,
                    "only objects of type function are supported");
        }
        return tool;
    }

    /// Earlier calls as templates expect them: with their arguments as a tree instead of as text.
    static List<Object> readable(List<?> calls) {
        var readable = new ArrayList<Object>();
        for (Object call : calls) {
            if (call instanceof Map<?, ?> map
                    && map.get("function") instanceof Map<?, ?> function) {
                Map<Object, Object> copy = new LinkedHashMap<>(map);
                Map<Object, Object> inner = new LinkedHashMap<>(function);
                inner.computeIfPresent("arguments", (_, text) -> tree(text));
                copy.put("function", inner);
                readable.add(copy);
            } else {
                readable.add(call);
            }
        }
        return readable;
    }

    private static Object tree(Object arguments) {
        try {
            return arguments instanceof String text ? Json.tree(text) : arguments;
        } catch (JsonException _) {
            return arguments;
        }
    }
}
