package dev.tunesmith.inference.chat;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The shapes of answers and chunks on the OpenAI wire. Keys that the SDKs require are written even
/// when null.
final class Wire {
    private Wire() {}

    /// `chat.completion` and `text_completion`.
    @JsonInclude(JsonInclude.Include.ALWAYS)
    record Completion(
            String id,
            String object,
            long created,
            String model,
            List<Choice> choices,
            Usage usage,
            String serviceTier,
            String systemFingerprint) {}

    /// One answer: `message` in a chat, `text` in a completion.
    record Choice(
            int index,
            @Nullable Message message,
            @Nullable String text,
            @JsonInclude(JsonInclude.Include.ALWAYS) @Nullable Object logprobs,
            @JsonInclude(JsonInclude.Include.ALWAYS) @Nullable String finishReason) {}

    @JsonInclude(JsonInclude.Include.ALWAYS)
    record Message(String role, String content, @Nullable String refusal) {}

    /// A piece of a stream. `usage` is an empty map for null and null for absent.
    record Chunk(
            String id,
            String object,
            long created,
            String model,
            List<ChunkChoice> choices,
            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Object usage,
            String systemFingerprint) {}

    record ChunkChoice(
            int index,
            @Nullable Delta delta,
            @Nullable String text,
            @JsonInclude(JsonInclude.Include.ALWAYS) @Nullable Object logprobs,
            @JsonInclude(JsonInclude.Include.ALWAYS) @Nullable String finishReason) {}

    record Delta(@Nullable String role, @Nullable String content) {}

    record Usage(
            int promptTokens,
            int completionTokens,
            int totalTokens,
            Map<String, Integer> promptTokensDetails,
            Map<String, Integer> completionTokensDetails) {
        static Usage of(int prompt, int completion) {
            return new Usage(
                    prompt,
                    completion,
                    prompt + completion,
                    Map.of("cached_tokens", 0, "audio_tokens", 0),
                    Map.of(
                            "reasoning_tokens",
                            0,
                            "audio_tokens",
                            0,
                            "accepted_prediction_tokens",
                            0,
                            "rejected_prediction_tokens",
                            0));
        }
    }

    /// Log-probabilities in a chat.
    @JsonInclude(JsonInclude.Include.ALWAYS)
    record ChatLogprobs(List<TokenLogprob> content, @Nullable List<TokenLogprob> refusal) {}

    record TokenLogprob(
            String token,
            double logprob,
            List<Integer> bytes,
            @Nullable List<TokenLogprob> topLogprobs) {}

    /// Log-probabilities in a completion.
    record TextLogprobs(
            List<String> tokens,
            List<Double> tokenLogprobs,
            List<Map<String, Double>> topLogprobs,
            List<Integer> textOffset) {}
}
