package dev.tunesmith.engine.data;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.template.Rendered;
import dev.tunesmith.contracts.template.Span;
import dev.tunesmith.engine.text.Tokenizer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ChatEncoderTest {

    /// A format without control tokens, in which tokens could lie across the borders of answers.
    private static final ChatFormat PLAIN =
            (messages, generationPrompt) -> {
                StringBuilder text = new StringBuilder();
                List<Span> answers = new ArrayList<>();
                for (Map<String, Object> message : messages) {
                    boolean answer = Conversation.isAnswer(message);
                    text.append(answer ? "A:" : "Q:");
                    int start = text.length();
                    text.append(message.get("content"));
                    if (answer) {
                        answers.add(new Span(start, text.length()));
                    }
                    text.append(' ');
                }
                return new Rendered(text + (generationPrompt ? "A:" : ""), answers);
            };

    private static final List<Map<String, Object>> CHAT =
            List.of(
                    Map.of("role", "user", "content", "one two"),
                    Map.of("role", "assistant", "content", "three four"),
                    Map.of("role", "user", "content", "five 世界"),
                    Map.of("role", "assistant", "content", "six <s></s> seven"));

    @ParameterizedTest
    @ValueSource(strings = {"qwen2_byte_bpe", "unigram_byte_fallback"})
    void aServedPromptIsTheBeginningOfTheTrainedRow(String name) {
        try (Tokenizer tokenizer = tokenizer(name)) {
            ChatEncoder encoder = new ChatEncoder(tokenizer, PLAIN);
            for (int turn : new int[] {1, 3}) {
                int[] prompt = encoder.prompt(CHAT.subList(0, turn));
                int[] row = encoder.sample(CHAT, new float[] {1, 1}).ids();
                assertThat(Arrays.copyOf(row, prompt.length)).isEqualTo(prompt);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"qwen2_byte_bpe", "unigram_byte_fallback"})
    void exactlyTheAnswerCarriesItsWeight(String name) {
        try (Tokenizer tokenizer = tokenizer(name)) {
            ChatEncoder encoder = new ChatEncoder(tokenizer, PLAIN);
            Sample sample = encoder.sample(CHAT, new float[] {0, 0.5f});

            List<Integer> trained = new ArrayList<>();
            for (int i = 0; i < sample.length(); i++) {
                if (sample.weights()[i] == 0.5f) {
                    trained.add(sample.ids()[i]);
                }
            }
            int[] ids = trained.stream().mapToInt(Integer::intValue).toArray();
            // The second tokenizer puts a blank before every piece.
            assertThat(tokenizer.decode(ids, false).replace(" ", "")).isEqualTo("six<s></s>seven");
            assertThat(trained).noneMatch(tokenizer::isSpecial);
        }
    }

    private static Tokenizer tokenizer(String name) {
        return Tokenizer.open(
                Path.of("..", "golden/text/tokenizers").resolve(name).resolve("tokenizer.json"));
    }
}
