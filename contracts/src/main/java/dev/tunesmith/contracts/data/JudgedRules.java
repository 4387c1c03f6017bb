package dev.tunesmith.contracts.data;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Checks a row with a verdict: TRL's `prompt`, `completion`, `label`, as texts or conversations,
/// or LLaMA-Factory's `messages` with `kto_tag`.
final class JudgedRules {

    private final RowRules rules;

    JudgedRules(RowRules rules) {
        this.rules = rules;
    }

    Row judged(Map<String, Object> tree) {
        boolean desirable = verdict(tree);
        Row.Judged row =
                tree.get("messages") != null
                        ? conversation(tree.get("messages"), desirable)
                        : new Row.Judged(
                                turns(tree, "prompt", Row.Role.USER),
                                turns(tree, "completion", Row.Role.ASSISTANT),
                                desirable);
        if (!row.prompt().isEmpty() && row.prompt().getLast().role() == Row.Role.ASSISTANT) {
            rules.problem("prompt", "ends with an assistant message, so there is nothing to judge");
        }
        if (!row.answer().isEmpty() && row.answer().getFirst().role() != Row.Role.ASSISTANT) {
            rules.problem("completion", "begins with no assistant message");
        }
        return row;
    }

    private boolean verdict(Map<String, Object> tree) {
        String key = tree.containsKey("label") ? "label" : "kto_tag";
        if (tree.get(key) instanceof Boolean verdict) {
            return verdict;
        }
        rules.problem(key, "expected true (a good answer) or false");
        return true;
    }

    /// The last message is the answer.
    private Row.Judged conversation(@Nullable Object value, boolean desirable) {
        if (!(value instanceof List<?> list) || list.size() < 2) {
            rules.problem("messages", "expected a question and the answer that is judged");
            return new Row.Judged(List.of(), List.of(), desirable);
        }
        List<Row.Message> messages = rules.messages(list, "messages");
        int last = messages.size() - 1;
        if (messages.get(last).role() != Row.Role.ASSISTANT) {
            rules.problem(
                    "messages", "the last message is no answer, so there is nothing to judge");
        }
        return new Row.Judged(
                messages.subList(0, last), messages.subList(last, last + 1), desirable);
    }

    private List<Row.Message> turns(Map<String, Object> tree, String key, Row.Role role) {
        return switch (tree.get(key)) {
            case String text when !text.isEmpty() ->
                    List.of(
                            new Row.Message(
                                    role, text, Optional.empty(), role == Row.Role.ASSISTANT));
            case List<?> list when !list.isEmpty() -> rules.messages(list, key);
            case null, default -> {
                rules.problem(key, "expected a text or a list of at least one message");
                yield List.of();
            }
        };
    }
}
