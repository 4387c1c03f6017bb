package dev.tunesmith.contracts.dataset;

import dev.tunesmith.contracts.chat.Turn;
import dev.tunesmith.contracts.chat.Turn.Role;
import dev.tunesmith.contracts.tool.Json;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// Turns rows of any layout into questions and answers, as LLaMA-Factory's converters do where they
/// are right: nothing is added to system texts, every tool result is kept.
///
/// @param locate where a file of a row is found
/// @param prompts whether a conversation that ends with a user's question is a prompt
public record Alignment(DatasetEntry entry, UnaryOperator<String> locate, boolean prompts) {

    private static final Set<Role> QUESTIONS = Set.of(Role.USER, Role.RESULT);
    private static final Set<Role> ANSWERS = Set.of(Role.ASSISTANT, Role.CALLS);

    /// Conversations need an answer, as in LLaMA-Factory.
    public Alignment(DatasetEntry entry, UnaryOperator<String> locate) {
        this(entry, locate, false);
    }

    /// One row.
    public AlignedRow align(Map<String, ?> row) {
        Object verdict = value(row, "kto_tag");
        if (verdict != null && Cell.verdict(verdict).isEmpty()) {
            return row(row, List.of(), List.of(), "kto_tag is neither true nor false");
        }
        return switch (entry.layout()) {
            case ALPACA -> alpaca(row);
            case SHAREGPT, OPENAI -> conversation(row);
        };
    }

    /// Columns that the entry names and no row has, given the keys of all rows.
    public List<String> missing(Set<String> keys) {
        List<String> missing = new ArrayList<>();
        Set<String> used =
                entry.layout() == Layout.ALPACA
                        ? Set.of("prompt", "query", "response", "history", "system", "tools")
                        : Set.of("messages", "system", "tools");
        for (String role : new TreeSet<>(used)) {
            Optional<String> key = entry.column(role);
            boolean usual = key.isPresent() && key.get().equals(DatasetEntry.COLUMNS.get(role));
            if (key.isPresent() && !keys.contains(key.get()) && !usual) {
                missing.add("%s: no row has a '%s'".formatted(role, key.get()));
            }
        }
        return missing;
    }

    private @Nullable Object value(Map<String, ?> row, String role) {
        return entry.column(role).map(key -> (Object) row.get(key)).orElse(null);
    }

    private String text(Map<String, ?> row, String role) {
        Object value = value(row, role);
        return value == null ? "" : value instanceof String text ? text : Json.line(value);
    }

    private AlignedRow row(
            Map<String, ?> row, List<Turn> prompt, List<Turn> answers, @Nullable String problem) {
        return row(row, text(row, "system"), prompt, answers, problem);
    }

    private AlignedRow row(
            Map<String, ?> row,
            String system,
            List<Turn> prompt,
            List<Turn> answers,
            @Nullable String problem) {
        Map<String, List<Object>> media = new LinkedHashMap<>();
        for (String kind : List.of("images", "videos", "audios")) {
            List<Object> files = files(value(row, kind));
            if (!files.isEmpty()) {
                media.put(kind, files);
            }
        }
        return new AlignedRow(
                problem == null ? prompt : List.of(),
                problem == null ? answers : List.of(),
                system,
                text(row, "tools"),
                media,
                Cell.verdict(value(row, "kto_tag")),
                Optional.ofNullable(problem));
    }

    private List<Object> files(@Nullable Object value) {
        List<Object> files = new ArrayList<>();
        List<?> list =
                value instanceof List<?> many ? many : value == null ? List.of() : List.of(value);
        for (Object file : list) {
            if (file instanceof String path) {
                files.add(locate.apply(path));
            } else if (file instanceof List<?>) {
                files.add(files(file));
            } else if (file != null) {
                files.add(file);
            }
        }
        return files;
    }

    private AlignedRow alpaca(Map<String, ?> row) {
        List<Turn> prompt = new ArrayList<>();
        if (value(row, "history") instanceof List<?> history) {
            for (Object pair : history) {
                if (!(pair instanceof List<?> turns) || turns.size() != 2) {
                    return row(row, prompt, List.of(), "history is a list of question and answer");
                }
                prompt.add(new Turn(Role.USER, String.valueOf(turns.get(0))));
                prompt.add(new Turn(Role.ASSISTANT, String.valueOf(turns.get(1))));
            }
        }
        List<String> question = new ArrayList<>();
        for (String role : List.of("prompt", "query")) {
            if (!text(row, role).isEmpty()) {
                question.add(text(row, role));
            }
        }
        prompt.add(new Turn(Role.USER, String.join("\n", question)));
        if (entry.ranking()
                && value(row, "chosen") instanceof String chosen
                && value(row, "rejected") instanceof String rejected) {
            return row(
                    row,
                    prompt,
                    List.of(new Turn(Role.ASSISTANT, chosen), new Turn(Role.ASSISTANT, rejected)),
                    null);
        }
        return row(
                row,
                prompt,
                value(row, "response") instanceof String answer
                        ? List.of(new Turn(Role.ASSISTANT, answer))
                        : List.of(),
                null);
    }

    private AlignedRow conversation(Map<String, ?> row) {
        String system = text(row, "system");
        if (!(value(row, "messages") instanceof List<?> messages)) {
            return row(row, system, List.of(), List.of(), "the row has no list of messages");
        }
        int from = 0;
        if (!messages.isEmpty()
                && messages.getFirst() instanceof Map<?, ?> first
                && entry.tag("system_tag").equals(first.get(entry.tag("role_tag")))) {
            system = content(first);
            from = 1;
        }
        List<Turn> turns = new ArrayList<>();
        for (Object message : messages.subList(from, messages.size())) {
            Optional<Turn> turn = turn(message);
            if (turn.isEmpty()) {
                return row(
                        row,
                        system,
                        List.of(),
                        List.of(),
                        "message %d has a role that is not known".formatted(from + turns.size()));
            }
            turns.add(turn.get());
        }
        String problem =
                entry.layout() == Layout.SHAREGPT ? orderProblem(turns) : endProblem(turns);
        if (problem != null) {
            return row(row, system, List.of(), List.of(), problem);
        }
        if (entry.ranking()) {
            return ranked(row, system, turns);
        }
        if (turns.getLast().role() == Role.USER) {
            return row(row, system, turns, List.of(), null);
        }
        int last = turns.size() - 1;
        return row(
                row,
                system,
                turns.subList(0, Math.max(last, 0)),
                turns.subList(Math.max(last, 0), turns.size()),
                null);
    }

    private AlignedRow ranked(Map<String, ?> row, String system, List<Turn> turns) {
        Optional<Turn> chosen = turn(value(row, "chosen"));
        Optional<Turn> rejected = turn(value(row, "rejected"));
        boolean answers =
                chosen.isPresent()
                        && rejected.isPresent()
                        && ANSWERS.contains(chosen.get().role())
                        && ANSWERS.contains(rejected.get().role());
        return answers
                ? row(row, system, turns, List.of(chosen.get(), rejected.get()), null)
                : row(row, system, List.of(), List.of(), "chosen and rejected are no two answers");
    }

    private String content(Map<?, ?> message) {
        Object content = message.get(entry.tag("content_tag"));
        return content == null ? "" : content instanceof String text ? text : Json.line(content);
    }

    private Optional<Turn> turn(@Nullable Object value) {
        if (!(value instanceof Map<?, ?> message)) {
            return Optional.empty();
        }
        if (message.get("tool_calls") instanceof List<?> calls && !calls.isEmpty()) {
            List<@Nullable Object> functions = new ArrayList<>();
            calls.forEach(call ->
                    functions.add(call instanceof Map<?, ?> map ? map.get("function") : null));
            return Optional.of(new Turn(Role.CALLS, Json.line(functions)));
        }
        Object tag = message.get(entry.tag("role_tag"));
        return role(String.valueOf(tag)).map(role -> new Turn(role, content(message)));
    }

    private Optional<Role> role(String tag) {
        if (tag.equals(entry.tag("user_tag"))) {
            return Optional.of(Role.USER);
        }
        if (tag.equals(entry.tag("assistant_tag"))) {
            return Optional.of(Role.ASSISTANT);
        }
        if (tag.equals(entry.tag("observation_tag"))) {
            return Optional.of(Role.RESULT);
        }
        return tag.equals(entry.tag("function_tag")) ? Optional.of(Role.CALLS) : Optional.empty();
    }

    /// Questions and answers take turns, and the last one is an answer, or a question if the
    /// answers stand apart.
    private @Nullable String orderProblem(List<Turn> turns) {
        for (int i = 0; i < turns.size(); i++) {
            if (!(i % 2 == 0 ? QUESTIONS : ANSWERS).contains(turns.get(i).role())) {
                return "turn %d is not %s"
                        .formatted(i + 1, i % 2 == 0 ? "a question" : "an answer");
            }
        }
        return endProblem(turns);
    }

    private @Nullable String endProblem(List<Turn> turns) {
        if (turns.isEmpty()) {
            return "the conversation is empty";
        }
        boolean answer = ANSWERS.contains(turns.getLast().role());
        boolean prompt = prompts && turns.getLast().role() == Role.USER;
        return answer == entry.ranking() && !prompt
                ? "the conversation ends with " + (answer ? "an answer" : "no answer")
                : null;
    }
}
