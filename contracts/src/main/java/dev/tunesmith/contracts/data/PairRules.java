package dev.tunesmith.contracts.data;

import dev.tunesmith.contracts.dataset.Cell;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Checks a row with two answers: OpenAI's `input`, `preferred_output`, `non_preferred_output`, or
/// TRL's `prompt`, `chosen`, `rejected` as texts or conversations.
final class PairRules {

    private final RowRules rules;

    PairRules(RowRules rules) {
        this.rules = rules;
    }

    Row pair(Map<String, Object> tree) {
        double margin = margin(tree.get("margin"));
        int before = rules.found().size();
        Row.Preference row =
                tree.containsKey("preferred_output") ? wire(tree, margin) : library(tree, margin);
        if (rules.found().size() == before) {
            String chosen = tree.containsKey("preferred_output") ? "preferred_output" : "chosen";
            checkTurns(row, chosen);
        }
        return row;
    }

    private double margin(@Nullable Object value) {
        if (value == null) {
            return 0;
        }
        Optional<Double> margin = Cell.number(value);
        if (margin.isEmpty()) {
            rules.problem("margin", "expected a number");
        }
        return margin.orElse(0.0);
    }

    /// The shape of OpenAI's files.
    private Row.Preference wire(Map<String, Object> tree, double margin) {
        List<Row.Message> prompt = List.of();
        if (tree.get("input") instanceof Map<?, ?> input
                && input.get("messages") instanceof List<?> list
                && !list.isEmpty()) {
            prompt = rules.messages(list, "input.messages");
            if (input.get("tools") != null && !(input.get("tools") instanceof List)) {
                rules.problem("input.tools", "expected a list");
            }
        } else {
            rules.problem("input.messages", "expected a list of at least one message");
        }
        return new Row.Preference(
                prompt, list(tree, "preferred_output"), list(tree, "non_preferred_output"), margin);
    }

    private List<Row.Message> list(Map<String, Object> tree, String key) {
        if (tree.get(key) instanceof List<?> list && !list.isEmpty()) {
            return rules.messages(list, key);
        }
        rules.problem(key, "expected a list of at least one assistant message");
        return List.of();
    }

    /// The shape of TRL's datasets; without a prompt the common beginning of both conversations is
    /// the prompt.
    private Row.Preference library(Map<String, Object> tree, double margin) {
        if (tree.get("chosen") instanceof String || tree.get("rejected") instanceof String) {
            return new Row.Preference(
                    List.of(turn(Row.Role.USER, text(tree, "prompt"))),
                    List.of(turn(Row.Role.ASSISTANT, text(tree, "chosen"))),
                    List.of(turn(Row.Role.ASSISTANT, text(tree, "rejected"))),
                    margin);
        }
        List<Row.Message> chosen = list(tree, "chosen");
        List<Row.Message> rejected = list(tree, "rejected");
        if (tree.get("prompt") != null) {
            return new Row.Preference(prompt(tree), chosen, rejected, margin);
        }
        int common = 0;
        while (common < Math.min(chosen.size(), rejected.size())
                && chosen.get(common).equals(rejected.get(common))) {
            common++;
        }
        if (common == chosen.size() && common == rejected.size()) {
            rules.problem("rejected", "is the same as chosen, so there is nothing to learn");
        }
        return new Row.Preference(
                chosen.subList(0, common),
                chosen.subList(common, chosen.size()),
                rejected.subList(common, rejected.size()),
                margin);
    }

    private List<Row.Message> prompt(Map<String, Object> tree) {
        return switch (tree.get("prompt")) {
            case String text when !text.isEmpty() -> List.of(turn(Row.Role.USER, text));
            case List<?> list when !list.isEmpty() -> rules.messages(list, "prompt");
            case null, default -> {
                rules.problem("prompt", "expected a text or a list of at least one message");
                yield List.of();
            }
        };
    }

    private String text(Map<String, Object> tree, String key) {
        if (tree.get(key) instanceof String text && !text.isEmpty()) {
            return text;
        }
        rules.problem(key, "expected a text that is not empty");
        return "";
    }

    private static Row.Message turn(Row.Role role, String text) {
        return new Row.Message(role, text, Optional.empty(), role == Row.Role.ASSISTANT);
    }

    private void checkTurns(Row.Preference row, String chosen) {
        String rejected = chosen.equals("chosen") ? "rejected" : "non_preferred_output";
        if (row.prompt().isEmpty()) {
            rules.problem(chosen, "has no turn in common with " + rejected + " to answer to");
        } else if (row.prompt().getLast().role() == Row.Role.ASSISTANT) {
            rules.problem(
                    chosen.equals("chosen") ? "prompt" : "input.messages",
                    "ends with an assistant message, so there is nothing to answer");
        }
        checkAnswer(row.chosen(), chosen);
        checkAnswer(row.rejected(), rejected);
        if (same(row.chosen(), row.rejected())) {
            rules.problem(rejected, "is the same as " + chosen + ", so there is nothing to learn");
        }
    }

    private void checkAnswer(List<Row.Message> answer, String key) {
        if (answer.isEmpty() || answer.getFirst().role() != Row.Role.ASSISTANT) {
            rules.problem(key, "begins with no assistant message");
        }
    }

    /// Whether both say the same; answers that only call have no text to compare.
    private static boolean same(List<Row.Message> chosen, List<Row.Message> rejected) {
        List<String> texts = chosen.stream().map(Row.Message::content).toList();
        return texts.stream().noneMatch(String::isEmpty)
                && texts.equals(rejected.stream().map(Row.Message::content).toList());
    }
}
