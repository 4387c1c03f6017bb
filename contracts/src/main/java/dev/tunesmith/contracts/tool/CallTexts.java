package dev.tunesmith.contracts.tool;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Writes calls as an answer of a model.
final class CallTexts {

    private CallTexts() {}

    static String text(ToolFormat format, List<ToolCall> calls) {
        return switch (format) {
            case DEFAULT ->
                    joined(
                            calls,
                            "\n",
                            call ->
                                    "Action: %s\nAction Input: %s"
                                            .formatted(call.name(), call.arguments()));
            case GEMMA4 -> joined(calls, "", CallTexts::gemma);
            case GLM4 -> single(calls);
            case GLM4_MOE -> joined(calls, "", CallTexts::glm);
            case LFM2 ->
                    "<|tool_call_start|>["
                            + joined(calls, ", ", CallTexts::python)
                            + "]<|tool_call_end|>";
            case QWEN, LING ->
                    joined(
                            calls,
                            "\n",
                            call -> "<tool_call>\n" + object(call, "arguments") + "\n</tool_call>");
            case QWEN3_5 -> joined(calls, "\n", CallTexts::qwenTags);
            case LLAMA3 ->
                    calls.size() == 1
                            ? object(calls.getFirst(), "parameters")
                            : array(calls, "parameters");
            case MISTRAL -> array(calls, "arguments");
            case MINIMAX1 ->
                    "<tool_calls>\n"
                            + joined(calls, "\n", call -> object(call, "arguments"))
                            + "\n</tool_calls>";
            case MINIMAX2 ->
                    "<minimax:tool_call>\n"
                            + joined(calls, "\n", CallTexts::minimaxTags)
                            + "\n</minimax:tool_call>";
            case SEED_OSS -> joined(calls, "\n", CallTexts::seedTags);
        };
    }

    private static String joined(
            List<ToolCall> calls, String border, Function<ToolCall, String> writer) {
        return calls.stream().map(writer).collect(Collectors.joining(border));
    }

    private static @Nullable Object arguments(ToolCall call) {
        return JsonReader.read(call.arguments());
    }

    /// The arguments by name.
    private static Map<?, ?> named(ToolCall call) {
        if (arguments(call) instanceof Map<?, ?> map) {
            return map;
        }
        throw new MalformedCallException(
                "the arguments of " + call.name() + " are no JSON object, as this format needs");
    }

    private static Map<String, @Nullable Object> tree(ToolCall call, String key) {
        Map<String, @Nullable Object> tree = new LinkedHashMap<>();
        tree.put("name", call.name());
        tree.put(key, arguments(call));
        return tree;
    }

    private static String object(ToolCall call, String key) {
        return Json.line(tree(call, key));
    }

    private static String array(List<ToolCall> calls, String key) {
        return Json.line(calls.stream().map(call -> tree(call, key)).toList());
    }

    private static String single(List<ToolCall> calls) {
        if (calls.size() != 1) {
            throw new MalformedCallException("the format glm4 has no parallel calls");
        }
        return calls.getFirst().name() + "\n" + calls.getFirst().arguments();
    }

    private static String tags(ToolCall call, Function<Map.Entry<?, ?>, String> writer) {
        return named(call).entrySet().stream().map(writer).collect(Collectors.joining());
    }

    private static String glm(ToolCall call) {
        return "\n<tool_call>"
                + call.name()
                + tags(
                        call,
                        field ->
                                "\n<arg_key>%s</arg_key>\n<arg_value>%s</arg_value>"
                                        .formatted(field.getKey(), Json.bare(field.getValue())))
                + "\n</tool_call>";
    }

    private static String qwenTags(ToolCall call) {
        return "<tool_call>\n<function="
                + call.name()
                + ">"
                + tags(
                        call,
                        field ->
                                "\n<parameter=%s>\n%s\n</parameter>"
                                        .formatted(field.getKey(), Json.bare(field.getValue())))
                + "\n</function>\n</tool_call>";
    }

    private static String minimaxTags(ToolCall call) {
        return "<invoke name=\""
                + call.name()
                + "\">"
                + tags(
                        call,
                        field ->
                                "\n<parameter name=\"%s\">%s</parameter>"
                                        .formatted(field.getKey(), Json.bare(field.getValue())))
                + "\n</invoke>";
    }

    private static String seedTags(ToolCall call) {
        return "\n<seed:tool_call>\n<function="
                + call.name()
                + ">"
                + tags(
                        call,
                        field ->
                                "\n<parameter=%s>%s</parameter>"
                                        .formatted(field.getKey(), Json.bare(field.getValue())))
                + "\n</function>\n</seed:tool_call>";
    }

    private static String python(ToolCall call) {
        return call.name()
                + named(call).entrySet().stream()
                        .map(field -> field.getKey() + "=" + Json.line(field.getValue()))
                        .collect(Collectors.joining(", ", "(", ")"));
    }

    private static String gemma(ToolCall call) {
        Object arguments = arguments(call);
        String inside =
                switch (arguments) {
                    case Map<?, ?> map -> gemmaFields(map);
                    case String text -> text;
                    case null, default -> gemmaValue(arguments);
                };
        return "<|tool_call>call:" + call.name() + "{" + inside + "}<tool_call|>";
    }

    private static String gemmaFields(Map<?, ?> map) {
        Map<String, @Nullable Object> sorted = new TreeMap<>();
        map.forEach((key, value) -> sorted.put(key.toString(), value));
        return sorted.entrySet().stream()
                .map(field -> field.getKey() + ":" + gemmaValue(field.getValue()))
                .collect(Collectors.joining(","));
    }

    private static String gemmaValue(@Nullable Object value) {
        return switch (value) {
            case String text -> "<|\"|>" + text + "<|\"|>";
            case Map<?, ?> map -> "{" + gemmaFields(map) + "}";
            case List<?> list ->
                    list.stream()
                            .map(CallTexts::gemmaValue)
                            .collect(Collectors.joining(",", "[", "]"));
            case null, default -> Json.line(value);
        };
    }
}
