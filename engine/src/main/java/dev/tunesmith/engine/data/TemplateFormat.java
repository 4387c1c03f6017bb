package dev.tunesmith.engine.data;

import dev.tunesmith.contracts.jinja.TemplateException;
import dev.tunesmith.contracts.template.ChatInput;
import dev.tunesmith.contracts.template.ChatTemplate;
import dev.tunesmith.contracts.template.Rendered;
import dev.tunesmith.contracts.template.Span;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.ModelFileException;
import java.time.Clock;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The format that a model's own chat template describes.
///
/// Where a template does not mark what the model writes (`{% generation %}`), answers are found by
/// rendering the conversation up to and including each of them.
public final class TemplateFormat implements ChatFormat {

    /// What templates see as the time in training, so that a run does not depend on when it is
    /// made.
    public static final Clock TRAINING_TIME =
            Clock.fixed(Instant.parse("2026-01-01T00:00:00Z"), ZoneOffset.UTC);

    private static final List<String> SPECIAL_TOKENS =
            List.of("bos_token", "eos_token", "unk_token", "pad_token");

    private final ChatTemplate template;
    private final Map<String, String> specialTokens;
    private final Clock clock;

    private TemplateFormat(ChatTemplate template, Map<String, String> specialTokens, Clock clock) {
        this.template = template;
        this.specialTokens = specialTokens;
        this.clock = clock;
    }

    /// The template of a model, or ChatML if it has none.
    ///
    /// @param clock what `strftime_now` shows
    ///
    /// @throws ModelFileException if the template cannot be compiled
    public static TemplateFormat of(ModelDirectory model, Clock clock) {
        Map<String, String> specialTokens = new LinkedHashMap<>();
        for (String role : SPECIAL_TOKENS) {
            model.specialToken(role).ifPresent(token -> specialTokens.put(role, token));
        }
        try {
            ChatTemplate template =
                    model.chatTemplate().map(ChatTemplate::compile).orElse(ChatTemplate.CHATML);
            return new TemplateFormat(template, specialTokens, clock);
        } catch (TemplateException e) {
            throw new ModelFileException(model.path(), "chat template: " + e.getMessage());
        }
    }

    @Override
    public Rendered render(List<Map<String, Object>> messages, boolean generationPrompt) {
        Rendered rendered = rendered(messages, generationPrompt);
        boolean hasAnswers = messages.stream().anyMatch(Conversation::isAnswer);
        return rendered.spans().isEmpty() && hasAnswers && !generationPrompt
                ? new Rendered(rendered.text(), answers(messages, rendered.text()))
                : rendered;
    }

    @Override
    public Rendered prompt(List<Map<String, Object>> messages, List<Map<String, Object>> tools) {
        if (tools.isEmpty()) {
            return render(messages, true);
        }
        if (!template.reads("tools")) {
            throw new UnusableRowException(
                    "tools", "the chat template of this model has no place for functions");
        }
        return rendered(input(messages).withTools(List.copyOf(tools)).withGenerationPrompt());
    }

    private List<Span> answers(List<Map<String, Object>> messages, String whole) {
        List<Span> answers = new ArrayList<>();
        for (int i = 0; i < messages.size(); i++) {
            if (Conversation.isAnswer(messages.get(i))) {
                String before = i == 0 ? "" : rendered(messages.subList(0, i), true).text();
                String with = rendered(messages.subList(0, i + 1), false).text();
                if (!with.startsWith(before) || !whole.startsWith(with)) {
                    throw new UnusableRowException(
                            "messages[%d]".formatted(i),
                            "the chat template writes earlier turns differently once later ones"
                                    + " follow; give each answer a row of its own");
                }
                answers.add(new Span(before.length(), with.length()));
            }
        }
        return answers;
    }

    private Rendered rendered(List<Map<String, Object>> messages, boolean generationPrompt) {
        ChatInput input = input(messages);
        return rendered(generationPrompt ? input.withGenerationPrompt() : input);
    }

    private ChatInput input(List<Map<String, Object>> messages) {
        return ChatInput.of(messages, specialTokens, LocalDateTime.now(clock));
    }

    private Rendered rendered(ChatInput input) {
        try {
            return template.render(input);
        } catch (TemplateException e) {
            throw new UnusableRowException("messages", "chat template: " + e.getMessage());
        }
    }
}
