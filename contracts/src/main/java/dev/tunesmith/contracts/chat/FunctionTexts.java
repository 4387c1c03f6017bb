package dev.tunesmith.contracts.chat;

import dev.tunesmith.contracts.tool.Json;
import dev.tunesmith.contracts.tool.JsonReader;
import dev.tunesmith.contracts.tool.MalformedCallException;
import dev.tunesmith.contracts.tool.ToolCall;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Writes functions, calls and results into the texts of messages, as a named template wants them,
/// so that its source can write the rest.
///
/// @param today what tool formats that tell the date show
public record FunctionTexts(NamedTemplate template, LocalDate today) {

    private static final String ROLE = "role";
    private static final String CONTENT = "content";

    /// The messages with everything in their texts.
    ///
    /// @param messages on the wire's terms: `tool_calls`, and results in messages of the role
    ///   `tool`
    /// @param tools functions that may be called
    /// @throws MalformedCallException if the format of the template cannot write a call
    public List<Map<String, Object>> written(List<Map<String, Object>> messages, List<?> tools) {
        List<Map<String, Object>> written = new ArrayList<>();
        for (int i = 0; i < messages.size(); i++) {
            Map<String, Object> message = messages.get(i);
            if (message.get("tool_calls") instanceof List<?> calls && !calls.isEmpty()) {
                written.add(with(message, called(message.get(CONTENT), calls)));
            } else if ("tool".equals(message.get(ROLE))) {
                List<String> results = new ArrayList<>();
                int end = i;
                while (end < messages.size() && "tool".equals(messages.get(end).get(ROLE))) {
                    results.add(text(messages.get(end++).get(CONTENT)));
                }
                written.add(with(message, writer().result(joined(results))));
                i = end - 1;
            } else {
                written.add(message);
            }
        }
        return tools.isEmpty() ? written : described(written, tools);
    }

    private Writer writer() {
        return new Writer(template, Thinking.ON, today);
    }

    private List<Map<String, Object>> described(List<Map<String, Object>> messages, List<?> tools) {
        boolean system = !messages.isEmpty() && "system".equals(messages.getFirst().get(ROLE));
        Map<String, Object> given = system ? messages.getFirst() : Map.of(ROLE, "system");
        List<Map<String, Object>> described = new ArrayList<>();
        described.add(with(given, writer().system(text(given.get(CONTENT)), tools)));
        described.addAll(messages.subList(system ? 1 : 0, messages.size()));
        return described;
    }

    /// Results of parallel calls are one turn.
    private String joined(List<String> results) {
        boolean marked =
                Slot.fill(template.slots().result(), "").toString().contains("<tool_response>");
        return String.join(marked ? "\n</tool_response>\n<tool_response>\n" : "\n", results);
    }

    private String called(@Nullable Object content, List<?> calls) {
        String before = text(content);
        String close = template.marks().thoughtClose();
        if (!before.isEmpty() && before.endsWith(close.strip())) {
            before = before.substring(0, before.length() - close.strip().length());
            before += close.stripLeading();
        } else if (!before.isEmpty() && !before.endsWith("\n")) {
            before += "\n";
        }
        return before + template.tools().text(calls.stream().map(FunctionTexts::call).toList());
    }

    private static ToolCall call(@Nullable Object tree) {
        if (!(tree instanceof Map<?, ?> outer)
                || !(outer.get("function") instanceof Map<?, ?> call)
                || !(call.get("name") instanceof String name)) {
            throw new MalformedCallException("a call has a function with a name");
        }
        Object arguments = call.get("arguments");
        if (arguments instanceof String text) {
            arguments = text.isBlank() ? Map.of() : JsonReader.read(text);
        }
        return new ToolCall(name, Json.line(arguments == null ? Map.of() : arguments));
    }

    private static String text(@Nullable Object content) {
        return switch (content) {
            case null -> "";
            case String text -> text;
            default -> throw new MalformedCallException("beside functions a content is a text");
        };
    }

    private static Map<String, Object> with(Map<String, Object> message, String content) {
        Map<String, Object> copy = new LinkedHashMap<>(message);
        copy.put(CONTENT, content);
        return copy;
    }
}
