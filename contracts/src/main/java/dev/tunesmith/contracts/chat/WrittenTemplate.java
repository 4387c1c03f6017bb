package dev.tunesmith.contracts.chat;

import dev.tunesmith.contracts.jinja.TemplateException;
import dev.tunesmith.contracts.template.ChatInput;
import dev.tunesmith.contracts.template.ChatTemplate;
import dev.tunesmith.contracts.template.Rendered;
import java.time.LocalDate;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Finds which named template the source of a template was made of, by this build or an earlier
/// one: its first comment says the name, and it writes small conversations as that template does.
///
/// Sources lie beside what was trained with them for years, so their bytes are no measure.
final class WrittenTemplate {

    private static final Pattern HEAD = Pattern.compile("\\{# ([\\w.-]{1,64}) #}");
    private static final Map<String, String> TOKENS =
            Map.of("bos_token", "<begin>", "eos_token", "<end>");
    private static final String THOUGHT = "think {{ twice }}";

    private WrittenTemplate() {}

    /// The template of a source, if it was made of one.
    static Optional<NamedTemplate> of(String source) {
        Matcher head = HEAD.matcher(source);
        return head.lookingAt()
                ? NamedTemplates.find(head.group(1)).filter(named -> writes(source, named))
                : Optional.empty();
    }

    private static boolean writes(String source, NamedTemplate named) {
        String known = TemplateSource.of(named);
        if (known.equals(source)) {
            return true;
        }
        try {
            ChatTemplate given = ChatTemplate.compile(source);
            ChatTemplate own = ChatTemplate.compile(known);
            return probes(named).stream()
                    .allMatch(messages ->
                            text(given, messages, false).equals(text(own, messages, false))
                                    && text(given, messages, true)
                                            .equals(text(own, messages, true)));
        } catch (TemplateException _) {
            return false;
        }
    }

    private static Rendered text(
            ChatTemplate template, List<Map<String, Object>> messages, boolean prompt) {
        ChatInput input = ChatInput.of(messages, TOKENS, LocalDate.EPOCH.atStartOfDay());
        return template.render(prompt ? input.withGenerationPrompt() : input);
    }

    /// Every role at every place where a template may write it differently.
    private static List<List<Map<String, Object>>> probes(NamedTemplate named) {
        String thought = named.marks().thoughtOpen() + THOUGHT + named.marks().thoughtClose() + "B";
        Map<String, Object> system = message("system", "Be \"brief\".\n");
        Map<String, Object> first = message("user", " Q{{ 1 }}\n");
        Map<String, Object> second = message("user", "R\\n");
        Map<String, Object> call =
                Map.of(
                        "role",
                        "assistant",
                        "content",
                        "{\"name\": \"f\"}",
                        "tool_calls",
                        List.of("f"));
        return List.of(
                List.of(first),
                List.of(system, first),
                List.of(first, message("assistant", " A\n"), second, message("assistant", thought)),
                List.of(
                        system,
                        first,
                        call,
                        message("tool", "{\"t\": 3}"),
                        message("assistant", "")),
                List.of(system, first, message("assistant", thought), second));
    }

    private static Map<String, Object> message(String role, String content) {
        return Map.of("role", role, "content", content);
    }
}
