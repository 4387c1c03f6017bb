package dev.tunesmith.contracts.template;

import java.time.LocalDateTime;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// What a template is rendered over.
///
/// @param messages JSON objects with at least `role`
/// @param tools JSON schemas of functions; null if there are none
/// @param documents texts to answer from; null if there are none
/// @param generationPrompt whether the text ends where the assistant begins
/// @param specialTokens `bos_token`, `eos_token` and others by name
/// @param extra further variables of the template, `enable_thinking`
/// @param now what `strftime_now` shows
public record ChatInput(
        List<Map<String, Object>> messages,
        @Nullable List<Object> tools,
        @Nullable List<Object> documents,
        boolean generationPrompt,
        Map<String, String> specialTokens,
        Map<String, ? extends @Nullable Object> extra,
        LocalDateTime now) {

    /// A conversation and nothing else.
    public static ChatInput of(
            List<Map<String, Object>> messages,
            Map<String, String> specialTokens,
            LocalDateTime now) {
        return new ChatInput(messages, null, null, false, specialTokens, Map.of(), now);
    }

    public ChatInput withGenerationPrompt() {
        return new ChatInput(messages, tools, documents, true, specialTokens, extra, now);
    }

    public ChatInput withTools(@Nullable List<Object> given) {
        return new ChatInput(
                messages, given, documents, generationPrompt, specialTokens, extra, now);
    }

    public ChatInput withDocuments(@Nullable List<Object> given) {
        return new ChatInput(messages, tools, given, generationPrompt, specialTokens, extra, now);
    }

    public ChatInput with(String name, @Nullable Object value) {
        var more = new LinkedHashMap<String, @Nullable Object>(extra);
        more.put(name, value);
        return new ChatInput(
                messages, tools, documents, generationPrompt, specialTokens, more, now);
    }

    /// Further variables in place of those that were there.
    public ChatInput withExtra(Map<String, ? extends @Nullable Object> given) {
        return new ChatInput(
                messages, tools, documents, generationPrompt, specialTokens, given, now);
    }

    ChatInput withMessages(List<Map<String, Object>> given) {
        return new ChatInput(given, tools, documents, generationPrompt, specialTokens, extra, now);
    }
}
