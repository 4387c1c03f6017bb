package dev.tunesmith.contracts.data;

import dev.tunesmith.contracts.problem.NearestName;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Checks a row with a prompt: OpenAI's older and TRL's `prompt` and `completion`, as texts or
/// conversations, or the prompt alone where the model itself is to answer.
final class PromptRules {

    private final RowRules rules;

    PromptRules(RowRules rules) {
        this.rules = rules;
    }

    Row prompt(Map<String, Object> tree) {
        if (tree.get("tools") != null && !(tree.get("tools") instanceof List)) {
            rules.problem("tools", "expected a list");
        }
        if (!tree.containsKey("completion")) {
            return new Row.Chat(alone(tree));
        }
        if (tree.get("prompt") instanceof String prompt
                && !(tree.get("completion") instanceof List)) {
            return new Row.Completion(prompt, rules.text(tree, "completion"));
        }
        int before = rules.found().size();
        List<Row.Message> all = new ArrayList<>(question(tree));
        int answer = all.size();
        all.addAll(answer(tree));
        if (rules.found().size() == before) {
            checkTurns(all, answer);
        }
        return new Row.Chat(all);
    }

    private List<Row.Message> alone(Map<String, Object> tree) {
        for (String key : tree.keySet()) {
            if (!key.equals("prompt") && NearestName.of(key, Set.of("completion")).isPresent()) {
                rules.problem(key, "is not a known key; did you mean completion?");
            }
        }
        int before = rules.found().size();
        List<Row.Message> prompt = question(tree);
        if (rules.found().size() > before) {
            return prompt;
        }
        if (prompt.getLast().role() == Row.Role.ASSISTANT) {
            rules.problem(
                    "prompt", "ends with an assistant message, so there is nothing to answer");
        } else if (prompt.getLast().content().isEmpty() && tree.get("prompt") instanceof String) {
            rules.problem("prompt", "is empty, so there is nothing to answer");
        }
        rules.order(prompt, "prompt");
        return prompt;
    }

    private List<Row.Message> question(Map<String, Object> tree) {
        return switch (tree.get("prompt")) {
            case String text -> List.of(turn(Row.Role.USER, text));
            case List<?> list when !list.isEmpty() -> rules.messages(list, "prompt");
            case null, default -> {
                rules.problem("prompt", "expected a text or a list of at least one message");
                yield List.of();
            }
        };
    }

    private List<Row.Message> answer(Map<String, Object> tree) {
        return tree.get("completion") instanceof List<?> list && !list.isEmpty()
                ? rules.messages(list, "completion")
                : List.of(turn(Row.Role.ASSISTANT, rules.text(tree, "completion")));
    }

    private void checkTurns(List<Row.Message> all, int answer) {
        rules.order(all, "prompt and completion");
        if (all.get(answer - 1).role() == Row.Role.ASSISTANT) {
            rules.problem(
                    "prompt", "ends with an assistant message, so there is nothing to answer");
        }
        if (all.get(answer).role() != Row.Role.ASSISTANT) {
            rules.problem("completion", "begins with no assistant message");
        } else if (all.stream().skip(answer).noneMatch(Row.Message::trained)) {
            rules.problem(
                    "completion",
                    "every assistant message has weight 0, so there is nothing to learn");
        }
    }

    private static Row.Message turn(Row.Role role, String text) {
        return new Row.Message(role, text, Optional.empty(), role == Row.Role.ASSISTANT);
    }
}
