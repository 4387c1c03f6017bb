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

    /// An answer; `content` is null when it only calls functions.
    record Message(
            String role,
            @JsonInclude(JsonInclude.Include.ALWAYS) @Nullable String content,
            @JsonInclude(JsonInclude.Include.ALWAYS) @Nullable String refusal,
            @Nullable List<ToolCall> toolCalls) {}

    /// A function that an answer calls; `index` only in a stream.
    record ToolCall(@Nullable Integer index, String id, String type, Function function) {
        static ToolCall of(@Nullable Integer index, CallReader.Call call) {
            return new ToolCall(
                    index, call.id(), "function", new Function(call.name(), call.arguments()));
        }
    }

    /// @param arguments JSON text
    record Function(String name, String arguments) {}

    /// A piece of a stream without count; see [CountedChunk].
    record Chunk(
            String id,
            String object,
            long created,
            String model,
            List<ChunkChoice> choices,
            String systemFingerprint) {
        CountedChunk counted(@Nullable Usage usage) {
            return new CountedChunk(id, object, created, model, choices, systemFingerprint, usage);
        }
    }

    /// A piece of a stream that ends with a count of tokens: all pieces have the key, null on all
    /// but the last one.
    record CountedChunk(
            String id,
            String object,
            long created,
            String model,
            List<ChunkChoice> choices,
            String systemFingerprint,
            @JsonInclude(JsonInclude.Include.ALWAYS) @Nullable Usage usage) {}

    record ChunkChoice(
            int index,
            @Nullable Delta delta,
            @Nullable String text,
            @JsonInclude(JsonInclude.Include.ALWAYS) @Nullable Object logprobs,
            @JsonInclude(JsonInclude.Include.ALWAYS) @Nullable String finishReason) {}

    record Delta(
            @Nullable String role, @Nullable String content, @Nullable List<ToolCall> toolCalls) {}

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

    /// Log-probabilities in a completion; nothing comes before the first token of an echoed prompt.
    record TextLogprobs(
            List<String> tokens,
            List<@Nullable Double> tokenLogprobs,
            List<@Nullable Map<String, Double>> topLogprobs,
            List<Integer> textOffset) {}
}
