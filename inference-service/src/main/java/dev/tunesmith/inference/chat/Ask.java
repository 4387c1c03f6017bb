package dev.tunesmith.inference.chat;

import dev.tunesmith.engine.decode.SamplingOptions;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A checked request.
///
/// @param prompt what the model continues
/// @param choices answers to give, from one prompt
/// @param tokensMax longest answer that was asked for, empty for what fits
/// @param stops strings that end an answer
/// @param sampling of the first choice; the others add their index to its seed
record Ask(
        String model,
        Prompt prompt,
        int choices,
        Optional<Integer> tokensMax,
        List<String> stops,
        SamplingOptions sampling,
        Delivery delivery) {
    /// What the model continues.
    sealed interface Prompt {}

    /// A conversation, rendered by the model's own template.
    record Conversation(List<Map<String, Object>> messages) implements Prompt {}

    /// Plain text.
    record Text(String text) implements Prompt {}

    /// Token ids, as evaluation harnesses send them.
    record Tokens(int[] ids) implements Prompt {}

    /// How the answer travels.
    ///
    /// @param includeUsage a stream ends with a chunk that counts tokens
    /// @param echo a completion begins with its prompt
    record Delivery(boolean stream, boolean includeUsage, boolean echo) {}

    SamplingOptions samplingOf(int choice) {
        return new SamplingOptions(
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
    }
}
