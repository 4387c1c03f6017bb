package dev.tunesmith.engine.decode;

import dev.tunesmith.contracts.chat.NamedTemplates;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.text.Tokenizer;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The tokens that end an answer of a model.
public final class StopTokens {

    private StopTokens() {}

    /// Every end-of-sequence token that the model's files name, and what ends answers in its chat
    /// template.
    public static Set<Integer> of(ModelDirectory directory, Tokenizer tokenizer) {
        return of(directory, tokenizer, directory.chatTemplate());
    }

    /// The same with another template than the model's own.
    ///
    /// @param template source of the template that prompts are written with; one that was made of a
    ///   named template ends answers with the stop words of that
    public static Set<Integer> of(
            ModelDirectory directory, Tokenizer tokenizer, Optional<String> template) {
        Set<Integer> tokens = new HashSet<>();
        for (Map<String, Object> config :
                List.of(directory.generationConfig(), directory.config())) {
            add(tokens, config.get("eos_token_id"));
        }
        directory
                .specialToken("eos_token")
                .ifPresent(text -> tokenizer.id(text).ifPresent(tokens::add));
        template.flatMap(NamedTemplates::written).stream()
                .flatMap(named -> named.ending().stopWords().stream())
                .forEach(word -> tokenizer.id(word).ifPresent(tokens::add));
        return tokens;
    }

    private static void add(Set<Integer> tokens, @Nullable Object value) {
        switch (value) {
            case Number id -> tokens.add(id.intValue());
            case List<?> ids -> ids.forEach(id -> add(tokens, id));
            case null, default -> {}
        }
    }
}
