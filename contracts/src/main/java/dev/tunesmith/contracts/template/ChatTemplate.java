package dev.tunesmith.contracts.template;

import dev.tunesmith.contracts.jinja.Effort;
import dev.tunesmith.contracts.jinja.Limits;
import dev.tunesmith.contracts.jinja.Parser;
import dev.tunesmith.contracts.jinja.Statement;
import dev.tunesmith.contracts.jinja.TextMethods;
import dev.tunesmith.contracts.jinja.Values;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// A compiled chat template of a model; immutable, may be used by many threads.
///
/// Renders what `transformers.apply_chat_template` renders (its settings of Jinja 3.1:
/// `trim_blocks`, `lstrip_blocks`, loop controls, `tojson` without HTML escapes), within the limits
/// of [Limits].
public final class ChatTemplate {
    /// The template of ChatML, for models that bring none.
    public static final ChatTemplate CHATML =
            compile(
                    """
                    {%- for message in messages -%}
                    {{ '<|im_start|>' + message.role + '\\n' }}
                    {%- if message.role == 'assistant' -%}
                    {% generation %}{{ message.content + '<|im_end|>\\n' }}{% endgeneration %}
                    {%- else -%}
                    {{ message.content + '<|im_end|>\\n' }}
                    {%- endif -%}
                    {%- endfor -%}
                    {%- if add_generation_prompt -%}
                    {{ '<|im_start|>assistant\\n' }}
                    {%- endif -%}
                    """);

    private static final String OPEN_END = "CONTINUE_FINAL_MESSAGE_TAG ";

    private final String source;
    private final List<Statement> body;

    private ChatTemplate(String source, List<Statement> body) {
        this.source = source;
        this.body = body;
    }

    /// Compiles a template.
    ///
    /// @throws TemplateException with line and column if it is none
    public static ChatTemplate compile(String source) {
        if (source.length() > Limits.SOURCE_CHARS_MAX) {
            throw Limits.reached(
                    "a template of more than %d characters".formatted(Limits.SOURCE_CHARS_MAX));
        }
        return new ChatTemplate(
                source, Effort.counted(() -> Parser.parse(source, Filters.names(), Tests.names())));
    }

    public String source() {
        return source;
    }

    /// Whether the source has a variable of that name, so that giving it can make a difference.
    public boolean reads(String variable) {
        return Pattern.compile("\\b" + Pattern.quote(variable) + "\\b").matcher(source).find();
    }

    /// Renders a conversation.
    ///
    /// @throws TemplateException if the template refuses it or fails
    public Rendered render(ChatInput input) {
        return rendered(input.withMessages(Conversation.checked(input.messages())));
    }

    /// Renders a conversation whose last message goes on: the text ends where that message ends.
    ///
    /// @param key the part of the message that goes on, usually `content`
    public Rendered renderOpen(ChatInput input, String key) {
        if (input.generationPrompt()) {
            throw Conversation.refused(
                    "a message cannot go on and a new one begin at the same time");
        }
        List<Map<String, Object>> messages =
                new ArrayList<>(Conversation.checked(input.messages()));
        messages.addLast(Conversation.extended(messages.removeLast(), key, OPEN_END));
        Rendered whole = rendered(input.withMessages(messages));
        String text = whole.text();
        int end = text.lastIndexOf(OPEN_END.strip());
        if (end < 0) {
            throw Conversation.refused("the template does not show the message that goes on");
        }
        String cut = text.substring(0, end);
        String kept =
                text.startsWith(OPEN_END, end) ? cut : TextMethods.strip(cut, null, false, true);
        List<Span> spans =
                whole.spans().stream()
                        .filter(span -> span.start() <= kept.length())
                        .map(span -> new Span(span.start(), Math.min(span.end(), kept.length())))
                        .toList();
        return new Rendered(kept, spans);
    }

    private Rendered rendered(ChatInput input) {
        Conversation.checkDocuments(input.documents());
        var variables = new LinkedHashMap<String, Object>();
        variables.put("messages", Values.of(input.messages()));
        variables.put("tools", Values.of(input.tools()));
        variables.put("documents", Values.of(input.documents()));
        variables.put("add_generation_prompt", input.generationPrompt());
        variables.putAll(input.specialTokens());
        input.extra().forEach((name, value) -> variables.put(name, Values.of(value)));
        Output output = run(variables, input.now());
        return new Rendered(output.text(), output.spans());
    }

    /// Renders over any variables, without a conversation.
    public String renderOver(Map<String, ? extends @Nullable Object> variables, LocalDateTime now) {
        var values = new LinkedHashMap<String, Object>();
        variables.forEach((name, value) -> values.put(name, Values.of(value)));
        return run(values, now).text();
    }

    /// The same by a clock of nanoseconds, which the limit of time is measured by.
    String renderOver(
            Map<String, ? extends @Nullable Object> variables,
            LocalDateTime now,
            LongSupplier clock) {
        Map<String, Object> all = Globals.at(now);
        variables.forEach((name, value) -> all.put(name, Values.of(value)));
        return Effort.counted(() -> new Rendering().run(body, Scope.outermost(all)), clock).text();
    }

    private Output run(Map<String, Object> variables, LocalDateTime now) {
        Map<String, Object> all = Globals.at(now);
        all.putAll(variables);
        return Effort.counted(() -> new Rendering().run(body, Scope.outermost(all)));
    }
}
