package dev.tunesmith.contracts.data;

import dev.tunesmith.contracts.inspect.Finding;
import dev.tunesmith.contracts.inspect.FindingKind;
import dev.tunesmith.contracts.problem.NearestName;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.problem.Shown;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Checks one row, and reads it where it is in order.
public final class RowRules {
    private static final Set<String> MESSAGE_KEYS =
            Set.of(
                    "role",
                    "content",
                    "name",
                    "weight",
                    "tool_calls",
                    "tool_call_id",
                    "function_call",
                    "refusal",
                    "reasoning_content",
                    "reasoning",
                    "thinking",
                    "audio",
                    "annotations");
    private static final Set<String> CHAT_KEYS =
            Set.of("messages", "tools", "parallel_tool_calls", "functions");
    private static final List<String> ROLES =
            Arrays.stream(Row.Role.values())
                    .map(role -> role.name().toLowerCase(Locale.ROOT))
                    .toList();

    /// What is kept of one row: a line of 16 MiB has room for millions of broken messages.
    private static final int KEPT_MAX = 1000;

    private final long line;
    private final List<Problem> found = new ArrayList<>();
    private final List<Finding> notes = new ArrayList<>();

    /// Rules for the row of a line, counted from 1.
    public RowRules(long line) {
        this.line = line;
    }

    /// What is wrong with the rows that were checked.
    public List<Problem> found() {
        return List.copyOf(found);
    }

    /// What is noteworthy about rows, whether it is wrong or not.
    public List<Finding> notes() {
        return List.copyOf(notes);
    }

    /// Checks a row of a format; empty if something is wrong with it.
    public Optional<Row> row(RowFormat format, Map<String, Object> tree) {
        int before = found.size();
        Row row =
                switch (format) {
                    case PREFERENCE -> new PairRules(this).pair(tree);
                    case JUDGED -> new JudgedRules(this).judged(tree);
                    case CHAT -> chat(tree);
                    case COMPLETION -> new PromptRules(this).prompt(tree);
                    case TEXT -> new Row.Text(text(tree, "text"));
                };
        return found.size() == before ? Optional.of(row) : Optional.empty();
    }

    void problem(String param, String message) {
        add(Problem.ofLine(line, param, message));
    }

    private void add(Problem problem) {
        if (found.size() < KEPT_MAX) {
            found.add(problem);
        }
    }

    void note(FindingKind kind, String param) {
        if (notes.size() < KEPT_MAX) {
            notes.add(Finding.of(line, kind, param));
        }
    }

    String text(Map<String, Object> tree, String key) {
        if (tree.get(key) instanceof String text && !text.isEmpty()) {
            return text;
        }
        if (key.equals("completion")) {
            note(FindingKind.EMPTY_ANSWER, key);
        }
        problem(key, "expected a text that is not empty");
        return "";
    }

    /// Notes a turn that stands where not every template takes it.
    void order(List<Row.Message> messages, String path) {
        TurnOrder.broken(messages)
                .ifPresent(broken ->
                        notes.add(
                                new Finding(
                                        line,
                                        FindingKind.ROLE_ORDER,
                                        path + "." + broken.place(),
                                        broken.reason())));
    }

    private Row chat(Map<String, Object> tree) {
        if (!(tree.get("messages") instanceof List<?> list) || list.isEmpty()) {
            problem("messages", "expected a list of at least one message");
            return new Row.Chat(List.of());
        }
        int before = found.size();
        List<Row.Message> messages = messages(list, "messages");
        boolean clean = found.size() == before;
        if (clean) {
            order(messages, "messages");
        }
        if (isPrompt(tree, messages)) {
            return new Row.Chat(messages);
        }
        if (clean && messages.stream().noneMatch(m -> m.role() == Row.Role.ASSISTANT)) {
            problem("messages", "there is no assistant message, so there is nothing to learn");
        } else if (clean && messages.stream().noneMatch(Row.Message::trained)) {
            problem(
                    "messages",
                    "every assistant message has weight 0, so there is nothing to learn");
        }
        if (tree.get("tools") != null && !(tree.get("tools") instanceof List)) {
            problem("tools", "expected a list");
        }
        return new Row.Chat(messages);
    }

    /// Whether the model itself is to answer: the row ends with a question and has fields for a
    /// grader.
    private static boolean isPrompt(Map<String, Object> tree, List<Row.Message> messages) {
        return messages.getLast().role() != Row.Role.ASSISTANT
                && !CHAT_KEYS.containsAll(tree.keySet());
    }

    List<Row.Message> messages(List<?> list, String path) {
        List<Row.Message> messages = new ArrayList<>();
        for (int i = 0; i < list.size(); i++) {
            messages.add(message(list.get(i), path + "." + i));
        }
        return messages;
    }

    private Row.Message message(@Nullable Object entry, String path) {
        if (!(entry instanceof Map<?, ?> message)) {
            problem(path, "expected an object with role and content");
            return new Row.Message(Row.Role.USER, "", Optional.empty(), false);
        }
        for (Object key : message.keySet()) {
            if (!MESSAGE_KEYS.contains(key.toString())) {
                unknown(path, key.toString());
            }
        }
        Row.Role role = role(message.get("role"), path + ".role");
        boolean calls = calls(message, role, path);
        String content = content(message, role, calls, path);
        boolean trained = weight(message.get("weight"), role, path + ".weight");
        if (role == Row.Role.TOOL && !(message.get("tool_call_id") instanceof String)) {
            problem(path + ".tool_call_id", "a tool message names the call that it answers");
        }
        Object name = message.get("name");
        if (name != null && !(name instanceof String)) {
            problem(path + ".name", "expected a text");
        }
        return new Row.Message(
                role,
                content,
                name instanceof String text ? Optional.of(text) : Optional.empty(),
                trained);
    }

    private void unknown(String path, String key) {
        Problem problem = Problem.ofLine(line, path + "." + key, "is not a known key");
        add(NearestName.of(key, MESSAGE_KEYS).map(problem::suggesting).orElse(problem));
    }

    private Row.Role role(@Nullable Object value, String path) {
        if (value instanceof String name && ROLES.contains(name)) {
            return Row.Role.valueOf(name.toUpperCase(Locale.ROOT));
        }
        if (value instanceof String name) {
            Problem problem =
                    Problem.ofLine(
                            line,
                            path,
                            "expected one of %s, found \"%s\""
                                    .formatted(String.join(", ", ROLES), Shown.of(name, 40)));
            add(NearestName.of(name, ROLES).map(problem::suggesting).orElse(problem));
        } else {
            problem(path, "is missing; expected one of " + String.join(", ", ROLES));
        }
        return Row.Role.USER;
    }

    /// Whether the message makes calls; checks them.
    private boolean calls(Map<?, ?> message, Row.Role role, String path) {
        Object value = message.get("tool_calls");
        if (value == null) {
            return message.get("function_call") != null;
        }
        if (role != Row.Role.ASSISTANT || !(value instanceof List<?> calls) || calls.isEmpty()) {
            problem(path + ".tool_calls", "expected a list of calls on an assistant message");
            return true;
        }
        for (int i = 0; i < calls.size(); i++) {
            boolean right =
                    calls.get(i) instanceof Map<?, ?> call
                            && call.get("function") instanceof Map<?, ?> function
                            && function.get("name") instanceof String
                            && (function.get("arguments") instanceof String
                                    || function.get("arguments") instanceof Map);
            if (!right) {
                problem(path + ".tool_calls." + i, "expected function.name and function.arguments");
            } else if (!isObject(calls.get(i))) {
                note(FindingKind.TOOL_JSON, path + ".tool_calls." + i);
            }
        }
        return true;
    }

    /// Whether the arguments of a call are a JSON object, as its tool expects it.
    private static boolean isObject(@Nullable Object call) {
        if (!(call instanceof Map<?, ?> map)
                || !(map.get("function") instanceof Map<?, ?> function)
                || !(function.get("arguments") instanceof String text)) {
            return true;
        }
        try {
            return new StrictJson().read(text) instanceof Map;
        } catch (MalformedLineException _) {
            return false;
        }
    }

    private String content(Map<?, ?> message, Row.Role role, boolean calls, String path) {
        Object value = message.get("content");
        return switch (value) {
            case String text -> {
                if (text.isEmpty() && role == Row.Role.ASSISTANT && !calls) {
                    note(FindingKind.EMPTY_ANSWER, path + ".content");
                    problem(path + ".content", "the answer is empty");
                }
                yield text;
            }
            case List<?> parts -> parts(parts, path + ".content");
            case null -> {
                if (!(role == Row.Role.ASSISTANT && calls)) {
                    problem(path + ".content", "is missing");
                }
                yield "";
            }
            default -> {
                problem(path + ".content", "expected a text or a list of parts");
                yield "";
            }
        };
    }

    private String parts(List<?> parts, String path) {
        var text = new StringBuilder();
        for (int i = 0; i < parts.size(); i++) {
            if (parts.get(i) instanceof Map<?, ?> part
                    && "text".equals(part.get("type"))
                    && part.get("text") instanceof String piece) {
                text.append(piece);
            } else if (!picture(parts.get(i))) {
                problem(
                        path + "." + i,
                        "expected {\"type\": \"text\", \"text\": …}, or a picture as {\"type\": \"image_url\", \"image_url\": {\"url\": \"data:image/…\"}}");
            }
        }
        return text.toString();
    }

    private static boolean picture(@Nullable Object part) {
        return part instanceof Map<?, ?> map
                && "image_url".equals(map.get("type"))
                && map.get("image_url") instanceof Map<?, ?> picture
                && picture.get("url") instanceof String url
                && url.startsWith("data:image/");
    }

    /// Whether the message carries loss; checks its weight.
    private boolean weight(@Nullable Object value, Row.Role role, String path) {
        boolean assistant = role == Row.Role.ASSISTANT;
        if (value == null) {
            return assistant;
        }
        if (!assistant) {
            problem(path, "only assistant messages have a weight");
            return false;
        }
        if (value instanceof Number number
                && (number.doubleValue() == 0 || number.doubleValue() == 1)) {
            return number.doubleValue() == 1;
        }
        problem(path, "expected 0 or 1, found " + Shown.of(value.toString(), 40));
        return true;
    }
}
