package dev.tunesmith.contracts.tool;

import dev.tunesmith.contracts.tool.Notation.Entry;
import java.time.LocalDate;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Writes what a system message says of tools.
final class ToolLists {

    private static final DateTimeFormatter DATE =
            DateTimeFormatter.ofPattern("dd MMM yyyy", Locale.ENGLISH);

    private static final String STRING_MARK = "<|\"|>";

    private static final Map<String, List<Notation.Part>> PROMPTS =
            Notation.entries(ToolLists.class, "tool-prompts.txt").stream()
                    .collect(
                            Collectors.toUnmodifiableMap(
                                    Entry::key, entry -> Notation.parts(entry.value())));

    private ToolLists() {}

    static String text(ToolFormat format, List<?> tools, LocalDate today) {
        Map<String, String> values =
                Map.of(
                        "tools", list(format, tools),
                        "names", names(tools),
                        "date", DATE.format(today));
        StringBuilder text = new StringBuilder();
        for (Notation.Part part : PROMPTS.getOrDefault(format.wireName(), List.of())) {
            text.append(part.named() ? values.getOrDefault(part.text(), "") : part.text());
        }
        return text.toString();
    }

    private static String list(ToolFormat format, List<?> tools) {
        return switch (format) {
            case DEFAULT -> joined(tools, "", ToolLists::described);
            case GEMMA4 -> joined(tools, "\n", ToolLists::declared);
            case GLM4 ->
                    joined(
                            tools,
                            "",
                            tool ->
                                    "\n\n## %s\n\n%s\n在调用上述函数时，请使用 Json 格式表示调用的参数。"
                                            .formatted(name(tool), Json.indented(tool)));
            case GLM4_MOE, QWEN, LING -> joined(tools, "", tool -> "\n" + Json.line(wrapped(tool)));
            case QWEN3_5 -> joined(tools, "", tool -> "\n" + Json.line(tool));
            case LLAMA3 -> joined(tools, "", tool -> Json.indented(wrapped(tool)) + "\n\n");
            case MINIMAX1 -> joined(tools, "", tool -> Json.line(tool) + "\n");
            case MINIMAX2 -> joined(tools, "", tool -> "<tool>" + Json.line(tool) + "</tool>\n");
            case MISTRAL ->
                    Json.line(tools.stream().map(ToolLists::bare).map(ToolLists::wrapped).toList());
            case LFM2 -> Json.line(tools.stream().map(ToolLists::bare).toList());
            case SEED_OSS -> "\n" + Json.line(tools);
        };
    }

    private interface Writer {
        String text(Map<?, ?> tool);
    }

    private static String joined(List<?> tools, String border, Writer writer) {
        return tools.stream()
                .map(tool -> writer.text(bare(tool)))
                .collect(Collectors.joining(border));
    }

    /// The function without what wraps it.
    private static Map<?, ?> bare(@Nullable Object tool) {
        if (!(tool instanceof Map<?, ?> map)) {
            throw new MalformedCallException("a tool is a JSON object");
        }
        return "function".equals(map.get("type")) && map.get("function") instanceof Map<?, ?> inner
                ? inner
                : map;
    }

    private static Map<String, Object> wrapped(Map<?, ?> tool) {
        Map<String, Object> wrapped = new LinkedHashMap<>();
        wrapped.put("type", "function");
        wrapped.put("function", tool);
        return wrapped;
    }

    private static String name(Map<?, ?> tool) {
        if (tool.get("name") instanceof String name) {
            return name;
        }
        throw new MalformedCallException("a tool needs a name");
    }

    private static String names(List<?> tools) {
        return tools.stream()
                .map(ToolLists::bare)
                .map(ToolLists::name)
                .collect(Collectors.joining(", "));
    }

    private static Map<?, ?> object(@Nullable Object value) {
        return value instanceof Map<?, ?> map ? map : Map.of();
    }

    private static List<?> list(@Nullable Object value) {
        return value instanceof List<?> list ? list : List.of();
    }

    private static String text(Map<?, ?> map, String key) {
        return map.get(key) == null ? "" : Json.bare(map.get(key));
    }

    private static boolean given(Map<?, ?> map, String key) {
        return switch (map.get(key)) {
            case null -> false;
            case String text -> !text.isEmpty();
            case Map<?, ?> inner -> !inner.isEmpty();
            case List<?> inner -> !inner.isEmpty();
            case Boolean flag -> flag;
            default -> true;
        };
    }

    /// The plain English of format `default`.
    private static String described(Map<?, ?> tool) {
        Map<?, ?> parameters = object(tool.get("parameters"));
        StringBuilder lines = new StringBuilder();
        object(parameters.get("properties"))
                .forEach((name, value) -> {
                    Map<?, ?> parameter = object(value);
                    lines.append(
                            "  - %s (%s%s): %s"
                                    .formatted(
                                            name,
                                            text(parameter, "type"),
                                            list(parameters.get("required")).contains(name)
                                                    ? ", required"
                                                    : "",
                                            text(parameter, "description")));
                    if (given(parameter, "enum")) {
                        String choices =
                                list(parameter.get("enum")).stream()
                                        .map(Json::bare)
                                        .collect(Collectors.joining(", "));
                        lines.append(", should be one of [").append(choices).append(']');
                    }
                    if (given(parameter, "items")) {
                        lines.append(", where each item should be ")
                                .append(text(object(parameter.get("items")), "type"));
                    }
                    lines.append('\n');
                });
        return "> Tool Name: %s\nTool Description: %s\nTool Args:\n%s\n"
                .formatted(name(tool), text(tool, "description"), lines);
    }

    /// The declaration language of Gemma 4.
    private static String declared(Map<?, ?> tool) {
        StringBuilder text = new StringBuilder("declaration:").append(name(tool));
        text.append("{description:").append(marked(text(tool, "description")));
        if (given(tool, "parameters")) {
            Map<?, ?> parameters = object(tool.get("parameters"));
            List<String> parts = new ArrayList<>();
            if (given(parameters, "properties")) {
                parts.add("properties:{" + properties(object(parameters.get("properties"))) + "}");
            }
            if (given(parameters, "required")) {
                String required =
                        list(parameters.get("required")).stream()
                                .map(name -> marked(Json.bare(name)))
                                .collect(Collectors.joining(","));
                parts.add("required:[" + required + "]");
            }
            addType(parts, parameters);
            text.append(",parameters:{").append(String.join(",", parts)).append('}');
        }
        if (given(tool, "response")) {
            Map<?, ?> response = object(tool.get("response"));
            List<String> parts = new ArrayList<>();
            addDescription(parts, response);
            if (text(response, "type").equalsIgnoreCase("object")) {
                addType(parts, response);
            }
            text.append(",response:{").append(String.join(",", parts)).append('}');
        }
        return text.append('}').toString();
    }

    private static String properties(Map<?, ?> properties) {
        List<String> texts = new ArrayList<>();
        properties.forEach((name, value) -> {
            List<String> parts = new ArrayList<>();
            addDescription(parts, object(value));
            addType(parts, object(value));
            texts.add(name + ":{" + String.join(",", parts) + "}");
        });
        return String.join(",", texts);
    }

    private static void addDescription(List<String> parts, Map<?, ?> map) {
        if (given(map, "description")) {
            parts.add("description:" + marked(text(map, "description")));
        }
    }

    private static void addType(List<String> parts, Map<?, ?> map) {
        if (given(map, "type")) {
            parts.add("type:" + marked(text(map, "type").toUpperCase(Locale.ROOT)));
        }
    }

    private static String marked(String text) {
        return STRING_MARK + text + STRING_MARK;
    }
}
