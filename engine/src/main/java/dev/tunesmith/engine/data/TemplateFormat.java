package dev.tunesmith.engine.data;

import dev.tunesmith.contracts.chat.FunctionTexts;
import dev.tunesmith.contracts.chat.NamedTemplate;
import dev.tunesmith.contracts.chat.NamedTemplates;
import dev.tunesmith.contracts.jinja.TemplateException;
import dev.tunesmith.contracts.template.ChatInput;
import dev.tunesmith.contracts.template.ChatTemplate;
import dev.tunesmith.contracts.template.Rendered;
import dev.tunesmith.contracts.template.Span;
import dev.tunesmith.contracts.tool.JsonReader;
import dev.tunesmith.contracts.tool.MalformedCallException;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.ModelFileException;
import java.time.Clock;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

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

    /// What the template was made of: it knows how functions are described and called.
    private final Optional<NamedTemplate> named;

    private final Map<String, String> specialTokens;
    private final Map<String, ? extends @Nullable Object> variables;
    private final Clock clock;

    private TemplateFormat(
            ChatTemplate template,
            Optional<NamedTemplate> named,
            Map<String, String> specialTokens,
            Map<String, ? extends @Nullable Object> variables,
            Clock clock) {
        this.template = template;
        this.named = named;
        this.specialTokens = specialTokens;
        this.variables = variables;
        this.clock = clock;
    }

    /// The template of a model, or ChatML if it has none.
    ///
    /// @param clock what `strftime_now` shows
    ///
    /// @throws ModelFileException if the template cannot be compiled
    public static TemplateFormat of(ModelDirectory model, Clock clock) {
        return of(model, clock, Optional.empty());
    }

    /// A given template with the special tokens of a model; without one that of the model, or
    /// ChatML.
    ///
    /// @param given source of a template
    /// @throws ModelFileException if the template cannot be compiled
    public static TemplateFormat of(ModelDirectory model, Clock clock, Optional<String> given) {
        return compiled(model, clock, given.or(model::chatTemplate));
    }

    /// The same with a template that is given.
    public static TemplateFormat instead(ModelDirectory model, Clock clock, String source) {
        return of(model, clock, Optional.of(source));
    }

    private static TemplateFormat compiled(
            ModelDirectory model, Clock clock, Optional<String> source) {
        Map<String, String> specialTokens = new LinkedHashMap<>();
        for (String role : SPECIAL_TOKENS) {
            model.specialToken(role).ifPresent(token -> specialTokens.put(role, token));
        }
        try {
            ChatTemplate template = source.map(ChatTemplate::compile).orElse(ChatTemplate.CHATML);
            return new TemplateFormat(
                    template,
                    source.flatMap(NamedTemplates::written),
                    specialTokens,
                    model.chatVariables(),
                    clock);
        } catch (TemplateException e) {
            throw new ModelFileException(model.path(), "chat template: " + e.getMessage());
        }
    }

    @Override
    public TemplateFormat with(Map<String, ? extends @Nullable Object> more) {
        if (more.isEmpty()) {
            return this;
        }
        Map<String, @Nullable Object> all = new LinkedHashMap<>(variables);
        all.putAll(more);
        return new TemplateFormat(template, named, specialTokens, all, clock);
    }

    @Override
    public Rendered render(List<Map<String, Object>> messages, boolean generationPrompt) {
        return generationPrompt ? rendered(messages, List.of(), true) : render(messages, List.of());
    }

    @Override
    public Rendered render(List<Map<String, Object>> messages, List<Map<String, Object>> tools) {
        checkTools(messages, tools);
        Rendered rendered = rendered(messages, tools, false);
        boolean hasAnswers = messages.stream().anyMatch(Conversation::isAnswer);
        return rendered.spans().isEmpty() && hasAnswers
                ? new Rendered(rendered.text(), answers(messages, tools, rendered.text()))
                : rendered;
    }

    @Override
    public Rendered prompt(List<Map<String, Object>> messages, List<Map<String, Object>> tools) {
        checkTools(messages, tools);
        return rendered(messages, tools, true);
    }

    private void checkTools(List<Map<String, Object>> messages, List<Map<String, Object>> tools) {
        if (named.isPresent()) {
            return;
        }
        if (!tools.isEmpty() && !template.reads("tools")) {
            throw new UnusableRowException(
                    "tools",
                    "the chat template of this model has no place for functions;"
                            + " a model without a template can be given a named one that has");
        }
        for (int i = 0; i < messages.size() && !template.reads("tool_calls"); i++) {
            if (messages.get(i).get("tool_calls") instanceof List<?> calls && !calls.isEmpty()) {
                throw new UnusableRowException(
                        "messages[%d].tool_calls".formatted(i),
                        "the chat template of this model cannot write calls, so this would be an"
                                + " empty answer; write the call into the content, or give a model"
                                + " without a template a named one");
            }
        }
    }

    private List<Span> answers(
            List<Map<String, Object>> messages, List<Map<String, Object>> tools, String whole) {
        List<Span> answers = new ArrayList<>();
        for (int i = 0; i < messages.size(); i++) {
            if (Conversation.isAnswer(messages.get(i))) {
                String before = i == 0 ? "" : rendered(messages.subList(0, i), tools, true).text();
                String with = rendered(messages.subList(0, i + 1), tools, false).text();
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

    private Rendered rendered(
            List<Map<String, Object>> messages,
            List<Map<String, Object>> tools,
            boolean generationPrompt) {
        ChatInput plain = input(written(messages, tools));
        ChatInput input =
                tools.isEmpty() || named.isPresent() ? plain : plain.withTools(List.copyOf(tools));
        return rendered(generationPrompt ? input.withGenerationPrompt() : input);
    }

    private List<Map<String, Object>> written(
            List<Map<String, Object>> messages, List<Map<String, Object>> tools) {
        if (named.isEmpty()) {
            return messages;
        }
        try {
            return new FunctionTexts(named.get(), LocalDate.now(clock)).written(messages, tools);
        } catch (MalformedCallException e) {
            throw new UnusableRowException(
                    "messages", "template %s: %s".formatted(named.get().name(), e.getMessage()));
        }
    }

    private ChatInput input(List<Map<String, Object>> messages) {
        List<Map<String, Object>> read =
                messages.stream().map(TemplateFormat::withArgumentsRead).toList();
        return ChatInput.of(read, specialTokens, LocalDateTime.now(clock)).withExtra(variables);
    }

    /// On the wire the arguments of a call are JSON text; templates want them as an object.
    private static Map<String, Object> withArgumentsRead(Map<String, Object> message) {
        if (!(message.get("tool_calls") instanceof List<?> calls)) {
            return message;
        }
        List<Object> read = new ArrayList<>();
        for (Object call : calls) {
            read.add(
                    call instanceof Map<?, ?> map && map.get("function") instanceof Map<?, ?> inner
                            ? replaced(map, "function", argumentsRead(inner))
                            : call);
        }
        return replaced(message, "tool_calls", read);
    }

    private static Map<String, Object> argumentsRead(Map<?, ?> function) {
        if (function.get("arguments") instanceof String text) {
            try {
                if (JsonReader.read(text) instanceof Map<?, ?> arguments) {
                    return replaced(function, "arguments", arguments);
                }
            } catch (MalformedCallException _) {
                // Text that is no JSON stays text.
            }
        }
        return replaced(function, "name", String.valueOf(function.get("name")));
    }

    private static Map<String, Object> replaced(Map<?, ?> map, String key, Object value) {
        Map<String, Object> copy = new LinkedHashMap<>();
        map.forEach((name, old) -> copy.put(name.toString(), old));
        copy.put(key, value);
        return copy;
    }

    private Rendered rendered(ChatInput input) {
        try {
            return template.render(input);
        } catch (TemplateException e) {
            throw new UnusableRowException("messages", "chat template: " + e.getMessage());
        }
    }
}
