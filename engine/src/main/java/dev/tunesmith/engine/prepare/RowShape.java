package dev.tunesmith.engine.prepare;

import dev.tunesmith.contracts.dataset.UsualRow;
import dev.tunesmith.contracts.tool.Json;
import dev.tunesmith.engine.data.UnusableRowException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The shapes in which rows can be written again. Pairs, verdicts and documents keep the shape of
/// OpenAI's and TRL's files, which all of them share.
public enum RowShape {
    /// `messages` of `role` and `content`.
    OPENAI,
    /// `conversations` of `from` and `value`.
    SHAREGPT,
    /// `instruction`, `output`, `history`, `system`.
    ALPACA;

    /// A row of any known shape in this one.
    ///
    /// @throws UnusableRowException if this shape has no place for what the row says
    public Map<String, Object> of(Map<String, Object> given) {
        UsualRow usual = UsualRow.of(given);
        if (usual.problem().isPresent()) {
            throw new UnusableRowException("", usual.problem().get());
        }
        Map<String, Object> row = usual.row();
        Object prompt = row.get("prompt");
        Object completion = row.get("completion");
        if (prompt != null && completion != null && !row.containsKey("label")) {
            Map<String, Object> chat = new LinkedHashMap<>();
            List<Object> messages = new ArrayList<>();
            turns("user", prompt).forEach(turn -> messages.add(untrained(turn)));
            messages.addAll(turns("assistant", completion));
            chat.put("messages", messages);
            if (row.get("tools") instanceof List<?> tools) {
                chat.put("tools", tools);
            }
            row = chat;
        }
        if (this == OPENAI || !(row.get("messages") instanceof List<?> messages)) {
            return row;
        }
        return this == SHAREGPT ? sharegpt(row, messages) : alpaca(row, messages);
    }

    private static List<?> turns(String role, Object said) {
        return said instanceof List<?> list ? list : List.of(turn(role, String.valueOf(said)));
    }

    /// Answers inside of a prompt are read, not learnt.
    private static Object untrained(Object turn) {
        if (!(turn instanceof Map<?, ?> message) || !"assistant".equals(message.get("role"))) {
            return turn;
        }
        Map<String, Object> read = new LinkedHashMap<>();
        message.forEach((key, value) -> read.put(key.toString(), value));
        read.put("weight", 0);
        return read;
    }

    private static Map<String, Object> turn(String role, String content) {
        Map<String, Object> turn = new LinkedHashMap<>();
        turn.put("role", role);
        turn.put("content", content);
        return turn;
    }

    private static Map<String, Object> sharegpt(Map<String, Object> row, List<?> messages) {
        Map<String, Object> shaped = new LinkedHashMap<>();
        List<Map<String, Object>> turns = new ArrayList<>();
        for (Object entry : messages) {
            Map<?, ?> message = message(entry);
            if ("system".equals(message.get("role")) && turns.isEmpty()) {
                shaped.put("system", content(message));
            } else {
                turns.add(sharegpt(message));
            }
        }
        shaped.put("conversations", turns);
        if (row.get("tools") instanceof List<?> tools) {
            shaped.put("tools", Json.line(tools));
        }
        return shaped;
    }

    private static Map<String, Object> sharegpt(Map<?, ?> message) {
        Map<String, Object> turn = new LinkedHashMap<>();
        if (message.get("tool_calls") instanceof List<?> calls) {
            List<Object> functions = new ArrayList<>();
            calls.forEach(call -> functions.add(call(call)));
            turn.put("from", "function_call");
            turn.put("value", content(message) + Json.line(functions));
            return turn;
        }
        String role = String.valueOf(message.get("role"));
        turn.put(
                "from",
                switch (role) {
                    case "user" -> "human";
                    case "assistant" -> "gpt";
                    case "tool" -> "observation";
                    default ->
                            throw new UnusableRowException(
                                    "messages", "sharegpt has no place for a later " + role);
                });
        turn.put("value", content(message));
        return turn;
    }

    /// A call whose arguments are an object, as sharegpt has them.
    private static Object call(@Nullable Object entry) {
        if (!(entry instanceof Map<?, ?> call)
                || !(call.get("function") instanceof Map<?, ?> function)) {
            throw new UnusableRowException("messages", "a call names its function");
        }
        Map<String, Object> plain = new LinkedHashMap<>();
        plain.put("name", String.valueOf(function.get("name")));
        Object arguments = function.get("arguments");
        plain.put("arguments", arguments == null ? Map.of() : arguments);
        return plain;
    }

    private static Map<String, Object> alpaca(Map<String, Object> row, List<?> messages) {
        Map<String, Object> shaped = new LinkedHashMap<>();
        List<String> texts = new ArrayList<>();
        String system = "";
        for (Object entry : messages) {
            Map<?, ?> message = message(entry);
            Object role = message.get("role");
            if ("system".equals(role) && texts.isEmpty()) {
                system = content(message);
            } else if ((texts.size() % 2 == 0 ? "user" : "assistant").equals(role)
                    && message.get("tool_calls") == null) {
                texts.add(content(message));
            } else {
                throw new UnusableRowException(
                        "messages", "alpaca holds questions and answers in turn, and no calls");
            }
        }
        if (texts.size() < 2 || texts.size() % 2 != 0 || row.get("tools") != null) {
            throw new UnusableRowException(
                    "messages", "alpaca needs a question and its answer, and has no tools");
        }
        shaped.put("instruction", texts.get(texts.size() - 2));
        shaped.put("input", "");
        shaped.put("output", texts.getLast());
        shaped.put("system", system);
        List<List<String>> history = new ArrayList<>();
        for (int i = 0; i + 2 < texts.size(); i += 2) {
            history.add(List.of(texts.get(i), texts.get(i + 1)));
        }
        shaped.put("history", history);
        return shaped;
    }

    private static Map<?, ?> message(@Nullable Object entry) {
        if (entry instanceof Map<?, ?> message) {
            return message;
        }
        throw new UnusableRowException("messages", "a message is an object");
    }

    private static String content(Map<?, ?> message) {
        return switch (message.get("content")) {
            case null -> "";
            case String text -> text;
            default ->
                    throw new UnusableRowException(
                            "messages", "only texts can be written in this shape");
        };
    }
}
