package dev.tunesmith.inference.chat;

import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.contracts.template.ChatOptions;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Reads how the conversations of a request are written.
final class WritingRules {
    /// The key that lets texts name control tokens.
    static final String PARSES_SPECIAL = "x_parse_special_tokens";

    private static final List<String> EFFORTS =
            List.of("none", "minimal", "low", "medium", "high", "xhigh", "max");

    private WritingRules() {}

    /// Variables of the template. An effort of none is what templates know as no thinking.
    static ChatOptions read(Fields fields) {
        var variables = new LinkedHashMap<String, @Nullable Object>();
        if (fields.has(ChatOptions.EFFORT)) {
            Object effort = fields.raw(ChatOptions.EFFORT);
            if (!EFFORTS.contains(effort)) {
                fields.problem(
                        ProblemCode.INVALID_VALUE,
                        ChatOptions.EFFORT,
                        "expected one of " + String.join(", ", EFFORTS));
            }
            variables.put(ChatOptions.EFFORT, effort);
            if (effort.equals("none")) {
                variables.put(ChatOptions.THINKING, false);
            }
        }
        if (fields.raw(ChatOptions.KWARGS) instanceof Map<?, ?> given) {
            ChatOptions.problems(given)
                    .forEach(text ->
                            fields.problem(ProblemCode.INVALID_VALUE, ChatOptions.KWARGS, text));
            given.forEach((name, value) -> variables.put(String.valueOf(name), value));
        } else if (fields.has(ChatOptions.KWARGS)) {
            fields.problem(
                    ProblemCode.INVALID_VALUE,
                    ChatOptions.KWARGS,
                    "expected an object of variables of the chat template by name");
        }
        return ChatOptions.of(variables, fields.flag(PARSES_SPECIAL));
    }
}
