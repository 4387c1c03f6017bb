package dev.tunesmith.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tunesmith.contracts.chat.Turn;
import dev.tunesmith.contracts.dataset.AlignedRow;
import dev.tunesmith.contracts.method.Method;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/// Writes a row as training files of ours have it.
final class ForeignRow {
    private final AlignedRow row;
    private final ObjectNode tree = Api.JSON.createObjectNode();
    private final Queue<String> openCalls = new ArrayDeque<>();
    private int calls;

    private ForeignRow(AlignedRow row) {
        this.row = row;
    }

    /// The row, or null if it lacks what the method needs.
    static @Nullable ObjectNode of(AlignedRow row, Method.RowKind kind) {
        boolean usable = row.problem().isEmpty() && !row.prompt().isEmpty();
        return usable ? new ForeignRow(row).tree(kind) : null;
    }

    private @Nullable ObjectNode tree(Method.RowKind kind) {
        List<Turn> answers = row.answers();
        switch (kind) {
            case DOCUMENT -> tree.put("text", text());
            case CONVERSATION -> {
                if (answers.isEmpty()) {
                    return null;
                }
                ArrayNode messages = prompt(tree.putArray("messages"));
                add(messages, answers.getFirst());
                tools(tree);
            }
            case PROMPT -> prompt(tree.putArray("messages"));
            case PAIR -> {
                if (answers.size() < 2) {
                    return null;
                }
                ObjectNode input = tree.putObject("input");
                prompt(input.putArray("messages"));
                tools(input);
                add(tree.putArray("preferred_output"), answers.getFirst());
                add(tree.putArray("non_preferred_output"), answers.get(1));
            }
            case JUDGED -> {
                if (answers.isEmpty() || row.desirable().isEmpty()) {
                    return null;
                }
                prompt(tree.putArray("prompt"));
                add(tree.putArray("completion"), answers.getFirst());
                tree.put("label", row.desirable().get());
            }
        }
        return tree;
    }

    /// A document is the first question, with its answer if there is one.
    private String text() {
        String first = row.prompt().getFirst().content();
        return row.answers().isEmpty() ? first : first + row.answers().getFirst().content();
    }

    private ArrayNode prompt(ArrayNode messages) {
        if (!row.system().isEmpty()) {
            messages.addObject().put("role", "system").put("content", row.system());
        }
        row.prompt().forEach(turn -> add(messages, turn));
        return messages;
    }

    private void tools(ObjectNode target) {
        if (!row.tools().isEmpty()) {
            JsonNode tools = parsed(row.tools());
            ArrayNode list = target.putArray("tools");
            for (JsonNode tool : tools) {
                ObjectNode wrapped = Api.JSON.createObjectNode().put("type", "function");
                list.add(tool.has("function") ? tool : wrapped.set("function", tool));
            }
        }
    }

    private void add(ArrayNode messages, Turn turn) {
        ObjectNode message = messages.addObject();
        switch (turn.role()) {
            case USER -> message.put("role", "user").put("content", turn.content());
            case ASSISTANT -> message.put("role", "assistant").put("content", turn.content());
            case CALLS -> {
                message.put("role", "assistant");
                ArrayNode list = message.putArray("tool_calls");
                JsonNode asked = parsed(turn.content());
                if (asked.isArray()) {
                    asked.forEach(call -> call(list, call));
                } else {
                    call(list, asked);
                }
            }
            case RESULT -> {
                String id = openCalls.poll();
                message.put("role", "tool")
                        .put("tool_call_id", id == null ? "call_0" : id)
                        .put("content", turn.content());
            }
        }
    }

    private void call(ArrayNode list, JsonNode call) {
        String id = "call_" + ++calls;
        openCalls.add(id);
        JsonNode arguments = call.path("arguments");
        list.addObject()
                .put("id", id)
                .put("type", "function")
                .putObject("function")
                .put("name", call.path("name").asText())
                .put(
                        "arguments",
                        arguments.isTextual() ? arguments.asText() : arguments.toString());
    }

    private static JsonNode parsed(String json) {
        try {
            return Api.JSON.readTree(json);
        } catch (JsonProcessingException e) {
            throw new CommandFailure(
                    ExitCode.USAGE, "a tool call is not JSON: " + e.getOriginalMessage());
        }
    }
}
