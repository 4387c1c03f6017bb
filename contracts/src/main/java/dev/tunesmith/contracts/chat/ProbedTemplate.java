package dev.tunesmith.contracts.chat;

import dev.tunesmith.contracts.chat.NamedTemplate.Ending;
import dev.tunesmith.contracts.chat.NamedTemplate.Kind;
import dev.tunesmith.contracts.chat.NamedTemplate.Marks;
import dev.tunesmith.contracts.chat.NamedTemplate.Slots;
import dev.tunesmith.contracts.tool.ToolFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Slots of a template that only its own language describes, found by writing small conversations
/// with it, as LLaMA-Factory does where a model brings a template and the user names none.
public final class ProbedTemplate {

    private static final String CONTENT = "{{content}}";

    private ProbedTemplate() {}

    /// Writes a conversation of `role` and `content`.
    @FunctionalInterface
    public interface Renderer {
        String text(List<Map<String, Object>> messages, boolean generationPrompt);
    }

    /// The slots of a template.
    ///
    /// @param prefix what the tokenizer itself writes before every text
    public static NamedTemplate of(Renderer renderer, String prefix) {
        Map<String, Object> user = Map.of("role", "user", "content", CONTENT);
        int skip = prefix.length();
        String system =
                renderer.text(List.of(Map.of("role", "system", "content", CONTENT)), false)
                        .substring(skip);
        String withEmptySystem =
                renderer.text(List.of(Map.of("role", "system", "content", ""), user), true)
                        .substring(skip);
        String question = renderer.text(List.of(user), true).substring(skip);
        String answer =
                renderer.text(List.of(user, Map.of("role", "assistant", "content", CONTENT)), false)
                        .substring(skip + question.length());
        boolean thinks = answer.contains("<think>");
        answer = answer.replace("<think>", "").replace("</think>", "");
        while (answer.startsWith("\n")) {
            answer = answer.substring(1);
        }
        String defaultSystem = "";
        if (question.length() > withEmptySystem.length()) {
            defaultSystem = added(withEmptySystem, question);
            question = question.substring(system.replace(CONTENT, defaultSystem).length());
        }
        List<Slot> answerSlots = List.of(words(answer));
        List<Slot> questionSlots = List.of(words(question));
        return new NamedTemplate(
                "",
                thinks ? Kind.REASONING : Kind.PLAIN,
                new Slots(
                        prefix.isEmpty() ? List.of() : List.of(new Slot.Words(prefix, false, "")),
                        List.of(words(system)),
                        questionSlots,
                        answerSlots,
                        answerSlots,
                        questionSlots,
                        Optional.empty()),
                ToolFormat.DEFAULT,
                defaultSystem,
                new Ending(List.of(), false, false),
                new Marks("<think>\n", "\n</think>\n\n", "<tool_call>", "</tool_call>", Map.of()));
    }

    private static Slot words(String text) {
        int at = text.indexOf(CONTENT);
        return at < 0
                ? new Slot.Words(text, false, "")
                : new Slot.Words(
                        text.substring(0, at), true, text.substring(at + CONTENT.length()));
    }

    /// What the longer text has besides the shorter one.
    private static String added(String shorter, String longer) {
        StringBuilder added = new StringBuilder();
        int at = 0;
        for (int i = 0; i < longer.length() && at < shorter.length(); i++) {
            if (shorter.charAt(at) == longer.charAt(i)) {
                at++;
            } else {
                added.append(longer.charAt(i));
            }
        }
        return added.toString();
    }
}
