package dev.tunesmith.contracts.chat;

import dev.tunesmith.contracts.chat.NamedTemplate.Kind;
import dev.tunesmith.contracts.chat.NamedTemplate.Marks;
import dev.tunesmith.contracts.jinja.TextMethods;
import dev.tunesmith.contracts.tool.Json;
import dev.tunesmith.contracts.tool.JsonReader;
import dev.tunesmith.contracts.tool.MalformedCallException;
import dev.tunesmith.contracts.tool.ToolCall;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Writes dialogues with a named template, as LLaMA-Factory's `encode_multiturn` and
/// `encode_oneturn` do where those are right.
///
/// @param today what tool formats that tell the date show
public record Writer(NamedTemplate template, Thinking thinking, LocalDate today) {

    /// Every question with its answer; the last one may lack its answer.
    ///
    /// @throws MalformedCallException if a call is no JSON or the format has no way to write it
    public List<Exchange> exchanges(Dialogue dialogue) {
        List<Turn> turns = new ArrayList<>(dialogue.turns());
        if (template.thinks()) {
            if (thinking.mode() == Thinking.Mode.OFF) {
                withoutThoughts(turns, turns.size());
            }
            if (thinking.dropEarlier()) {
                withoutThoughts(turns, turns.size() - 2);
            }
        }
        List<List<Piece>> written = written(dialogue.withTurns(turns));
        if (template.thinks()) {
            int first = thinking.dropEarlier() ? turns.size() - 2 : 0;
            for (int i = Math.max(first, 0); i + 1 < turns.size(); i += 2) {
                addEmptyThought(turns.get(i + 1), written.get(i), written.get(i + 1));
            }
        }
        List<Exchange> exchanges = new ArrayList<>();
        for (int i = 0; i < written.size(); i += 2) {
            exchanges.add(
                    new Exchange(
                            written.get(i),
                            i + 1 < written.size() ? written.get(i + 1) : List.of()));
        }
        return exchanges;
    }

    /// The whole dialogue as one question, and its last turn as the answer.
    ///
    /// @throws MalformedCallException if a call is no JSON or the format has no way to write it
    public Exchange lastExchange(Dialogue dialogue) {
        List<Turn> turns = new ArrayList<>(dialogue.turns());
        int last = turns.size() - 1;
        if (template.thinks()) {
            if (!thinking.keepEarlier()) {
                withoutThoughts(turns, turns.size() - 2);
            }
            if (thinking.mode() == Thinking.Mode.OFF) {
                turns.set(last, withoutThought(turns.get(last)));
            }
        }
        List<List<Piece>> written = written(dialogue.withTurns(turns));
        List<Piece> source = new ArrayList<>();
        written.subList(0, last).forEach(source::addAll);
        List<Piece> target = new ArrayList<>(written.get(last));
        if (template.thinks()) {
            addEmptyThought(turns.get(last), source, target);
        }
        return new Exchange(source, target);
    }

    /// The empty thought, which models that think want where there is none.
    public Piece emptyThought() {
        Marks marks = template.marks();
        return new Piece.Text(
                template.kind() == Kind.REASONING_SHORT
                        ? marks.thoughtClose()
                        : marks.thoughtOpen() + marks.thoughtClose());
    }

    private void addEmptyThought(Turn answer, List<Piece> source, List<Piece> target) {
        Marks marks = template.marks();
        if (answer.content().contains(TextMethods.strip(marks.thoughtOpen(), null, true, true))
                || answer.content()
                        .contains(TextMethods.strip(marks.thoughtClose(), null, true, true))) {
            return;
        }
        if (thinking.mode() == Thinking.Mode.ON) {
            target.addFirst(emptyThought());
        } else {
            source.add(emptyThought());
        }
    }

    private void withoutThoughts(List<Turn> turns, int end) {
        for (int i = 1; i < end; i += 2) {
            turns.set(i, withoutThought(turns.get(i)));
        }
    }

    private Turn withoutThought(Turn turn) {
        Marks marks = template.marks();
        StringBuilder kept = new StringBuilder();
        String text = turn.content();
        int from = 0;
        while (true) {
            int begin = text.indexOf(marks.thoughtOpen(), from);
            int end =
                    begin < 0
                            ? -1
                            : text.indexOf(
                                    marks.thoughtClose(), begin + marks.thoughtOpen().length());
            if (end < 0) {
                kept.append(text, from, text.length());
                return turn.withContent(TextMethods.strip(kept.toString(), "\n", true, false));
            }
            kept.append(text, from, begin);
            from = end + marks.thoughtClose().length();
        }
    }

    private List<List<Piece>> written(Dialogue dialogue) {
        List<List<Piece>> written = new ArrayList<>();
        for (int i = 0; i < dialogue.turns().size(); i++) {
            Turn turn = dialogue.turns().get(i);
            List<Piece> pieces = new ArrayList<>();
            String content = turn.content();
            if (i == 0) {
                pieces.addAll(Slot.fill(template.slots().prefix(), ""));
                if (template.kind() == Kind.SYSTEM_IN_FIRST_QUESTION) {
                    content = text(system(dialogue)) + content;
                } else {
                    pieces.addAll(system(dialogue));
                }
            }
            pieces.addAll(written(turn.role(), content));
            written.add(pieces);
        }
        return written;
    }

    private static String text(List<Piece> pieces) {
        StringBuilder text = new StringBuilder();
        for (Piece piece : pieces) {
            if (piece instanceof Piece.Text(String words)) {
                text.append(words);
            }
        }
        return text.toString();
    }

    private List<Piece> system(Dialogue dialogue) {
        String text = system(dialogue.system(), dialogue.tools());
        return text.isEmpty() ? List.of() : Slot.fill(template.slots().system(), text);
    }

    /// What the system message says, with a description of tools; empty if it says nothing.
    String system(String given, List<?> described) {
        String system = given.isEmpty() ? template.defaultSystem() : given;
        String tools = described.isEmpty() ? "" : tools(described);
        if (template.kind() == Kind.TRIMMED_TOOLS && system.isEmpty()) {
            tools = TextMethods.strip(tools, "\n", true, false);
        }
        return system + tools;
    }

    private String tools(List<?> tools) {
        return template.slots()
                .toolList()
                .map(slots -> text(Slot.fill(slots, Json.line(tools))))
                .orElseGet(() -> template.tools().description(tools, today));
    }

    private List<Piece> written(Turn.Role role, String content) {
        return switch (role) {
            case USER -> Slot.fill(template.slots().user(), content);
            case ASSISTANT -> Slot.fill(template.slots().answer(), content);
            case RESULT -> Slot.fill(template.slots().result(), result(content));
            case CALLS -> Slot.fill(template.slots().call(), calls(content));
        };
    }

    /// Where a result is part of a JSON object, text that is no JSON is written as a JSON text.
    String result(String content) {
        boolean inJson =
                template.slots().result().stream()
                        .anyMatch(slot ->
                                slot instanceof Slot.Words words
                                        && words.before().endsWith("\"content\": "));
        if (!inJson) {
            return content;
        }
        try {
            JsonReader.read(content);
            return content;
        } catch (MalformedCallException _) {
            return Json.line(content);
        }
    }

    /// The calls in the format of the template, behind the thought that stood before them.
    private String calls(String content) {
        Marks marks = template.marks();
        int[] calls = between(content, marks.callOpen(), marks.callClose());
        if (calls.length > 0) {
            String marked = content.substring(calls[0], calls[1]);
            String json =
                    marked.substring(
                            marks.callOpen().length(),
                            marked.length() - marks.callClose().length());
            return content.replace(marked, "") + formatted(json);
        }
        int[] thought = between(content, marks.thoughtOpen(), marks.thoughtClose());
        if (thought.length > 0) {
            String marked = content.substring(thought[0], thought[1]);
            return marked + formatted(content.replace(marked, ""));
        }
        return formatted(content);
    }

    /// Begin and end of the first text between two marks, with them; empty if there is none.
    private static int[] between(String text, String open, String close) {
        int begin = text.indexOf(open);
        int end = begin < 0 ? -1 : text.indexOf(close, begin + open.length());
        return end < 0 ? new int[0] : new int[] {begin, end + close.length()};
    }

    private String formatted(String json) {
        Object tree = JsonReader.read(json);
        List<?> list =
                tree instanceof List<?> many ? many : java.util.Collections.singletonList(tree);
        return template.tools().text(list.stream().map(Writer::call).toList());
    }

    private static ToolCall call(@Nullable Object tree) {
        if (tree instanceof Map<?, ?> map
                && map.get("name") instanceof String name
                && map.containsKey("arguments")) {
            return new ToolCall(name, Json.line(map.get("arguments")));
        }
        throw new MalformedCallException("a call is a JSON object with name and arguments");
    }
}
