package dev.tunesmith.inference.chat;

import dev.tunesmith.contracts.template.ChatOptions;
import dev.tunesmith.contracts.tool.Signatures;
import dev.tunesmith.engine.decode.SamplingOptions;
import dev.tunesmith.engine.text.SpecialText;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A checked request.
///
/// @param prompts what the model continues, each by itself
/// @param choices answers to give to each prompt
/// @param tokensMax longest answer that was asked for, empty for what fits
/// @param stops strings that end an answer
/// @param sampling of the first choice; the others add their index to its seed
record Ask(
        String model,
        List<Prompt> prompts,
        int choices,
        Optional<Integer> tokensMax,
        List<String> stops,
        SamplingOptions sampling,
        Delivery delivery) {
    /// What the model continues.
    sealed interface Prompt {}

    /// A conversation, rendered by the model's own template.
    ///
    /// @param tools functions that the answer may call
    /// @param options how it is written
    record Conversation(
            List<Map<String, Object>> messages,
            List<Map<String, Object>> tools,
            ChatOptions options)
            implements Prompt {}

    /// Plain text.
    ///
    /// @param special what names of control tokens in it are
    record Text(String text, SpecialText special) implements Prompt {}

    /// Token ids, as evaluation harnesses send them.
    record Tokens(int[] ids) implements Prompt {}

    /// How the answer travels.
    ///
    /// @param includeUsage a stream ends with a chunk that counts tokens
    /// @param echo a completion begins with its prompt
    record Delivery(boolean stream, boolean includeUsage, boolean echo) {}

    boolean hasTools() {
        return prompts.stream()
                .anyMatch(prompt -> prompt instanceof Conversation c && !c.tools().isEmpty());
    }

    /// The functions that answers may call.
    Signatures functions() {
        return Signatures.of(
                prompts.stream()
                        .filter(Conversation.class::isInstance)
                        .flatMap(prompt -> ((Conversation) prompt).tools().stream())
                        .toList());
    }

    boolean wantsLogprobs() {
        return sampling.topLogprobs() >= 0;
    }

    /// The same request for one of its choices: each has a seed of its own.
    Ask withSeedOf(int choice) {
        var own =
                new SamplingOptions(
                        sampling.temperature(),
                        sampling.topP(),
                        sampling.topK(),
                        sampling.minP(),
                        sampling.presence(),
                        sampling.frequency(),
                        sampling.repetition(),
                        sampling.bias(),
                        sampling.seed() + choice,
                        sampling.topLogprobs());
        return new Ask(model, prompts, choices, tokensMax, stops, own, delivery);
    }
}
