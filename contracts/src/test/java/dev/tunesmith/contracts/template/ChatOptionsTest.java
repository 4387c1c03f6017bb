package dev.tunesmith.contracts.template;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class ChatOptionsTest {

    @Test
    void anythingThatATemplateMayKnowIsTaken() {
        assertThat(
                        ChatOptions.problems(
                                Map.of(
                                        "enable_thinking",
                                        false,
                                        "thinking_budget",
                                        1024,
                                        "documents",
                                        List.of(Map.of("title", "t", "text", "x")))))
                .isEmpty();
    }

    @Test
    void everythingThatIsWrongIsSaidAtOnce() {
        Map<String, Object> given = new HashMap<>(Map.of("messages", 1, "a b", 2));
        given.put("x".repeat(65), 3);
        assertThat(ChatOptions.problems(given))
                .hasSize(3)
                .anyMatch(text -> text.contains("\"messages\" is what the conversation itself"))
                .anyMatch(text -> text.contains("\"a b\" is no name"))
                .anyMatch(text -> text.contains("x…"));
    }

    @Test
    void namesSizeAndDepthHaveLimits() {
        Map<String, Object> most = new HashMap<>();
        IntStream.range(0, 32).forEach(i -> most.put("v" + i, i));
        assertThat(ChatOptions.problems(most)).isEmpty();
        most.put("one_more", 1);
        assertThat(ChatOptions.problems(most)).singleElement().asString().contains("at most 32");

        assertThat(ChatOptions.problems(Map.of("a", "x".repeat((16 << 10) - 10)))).isEmpty();
        assertThat(ChatOptions.problems(Map.of("a", "x".repeat(16 << 10))))
                .singleElement()
                .asString()
                .contains("16384 characters");

        assertThat(ChatOptions.problems(Map.of("a", nested(7)))).isEmpty();
        assertThat(ChatOptions.problems(Map.of("a", nested(8)))).hasSize(1);
        assertThat(ChatOptions.problems(Map.of("a", nested(100_000)))).hasSize(1);
    }

    private static Object nested(int levels) {
        Object value = 1;
        for (int i = 0; i < levels; i++) {
            value = List.of(value);
        }
        return value;
    }
}
