package dev.tunesmith.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tunesmith.contracts.dataset.UsualRow;
import dev.tunesmith.contracts.method.Method;
import org.jspecify.annotations.Nullable;

/// Writes a row as training files of ours have it, with everything that its messages say: weights,
/// thoughts, names, parts and calls.
final class ForeignRow {
    private final JsonNode row;
    private final ArrayNode prompt = Api.JSON.createArrayNode();
    private final ArrayNode answers = Api.JSON.createArrayNode();

    private ForeignRow(JsonNode row) {
        this.row = row;
        row.path("prompt").forEach(prompt::add);
        row.path("messages").forEach(prompt::add);
        int last = prompt.size() - 1;
        if (row.has("messages") && isAnswer(prompt.path(last))) {
            answers.add(prompt.remove(last));
        }
        for (String key : new String[] {"completion", "chosen", "rejected"}) {
            if (row.has(key)) {
                answers.add(row.path(key).path(0));
            }
        }
    }

    private static boolean isAnswer(JsonNode message) {
        return message.path("role").asText().equals("assistant");
    }

    /// The row, or null if it lacks what the method needs.
    static @Nullable ObjectNode of(UsualRow row, Method.RowKind kind) {
        return row.problem().isEmpty()
                ? new ForeignRow(Api.JSON.valueToTree(row.row())).tree(kind)
                : null;
    }

    private @Nullable ObjectNode tree(Method.RowKind kind) {
        ObjectNode tree = Api.JSON.createObjectNode();
        boolean enough =
                !prompt.isEmpty()
                        && switch (kind) {
                            case DOCUMENT, PROMPT -> true;
                            case CONVERSATION -> !answers.isEmpty();
                            case PAIR -> answers.size() > 1;
                            case JUDGED -> !answers.isEmpty() && row.has("label");
                        };
        if (!enough) {
            return null;
        }
        switch (kind) {
            case DOCUMENT -> tree.put("text", text());
            case CONVERSATION -> {
                tree.set("messages", prompt.add(answers.path(0)));
                tools(tree);
            }
            case PROMPT -> {
                tree.set("messages", prompt);
                tools(tree);
            }
            case PAIR -> {
                ObjectNode input = tree.putObject("input");
                input.set("messages", prompt);
                tools(input);
                tree.putArray("preferred_output").add(answers.path(0));
                tree.putArray("non_preferred_output").add(answers.path(1));
            }
            case JUDGED -> {
                tree.set("prompt", prompt);
                tree.putArray("completion").add(answers.path(0));
                tree.set("label", row.path("label"));
                tools(tree);
            }
        }
        return tree;
    }

    /// A document is the first question, with its answer if there is one.
    private String text() {
        JsonNode first = prompt.path(0);
        if (first.path("role").asText().equals("system") && prompt.size() > 1) {
            first = prompt.path(1);
        }
        return first.path("content").asText() + answers.path(0).path("content").asText();
    }

    private void tools(ObjectNode target) {
        if (row.path("tools").isArray()) {
            target.set("tools", row.path("tools"));
        }
    }
}
