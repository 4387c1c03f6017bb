package dev.tunesmith.contracts.problem;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Objects;
import org.junit.jupiter.api.Test;

final class ShownTest {
    private static final String FACE = "\uD83D\uDE00";

    /// Kills: a cut between the halves of a character.
    @Test
    void noCharacterIsCutInHalf() {
        for (int before = 0; before < 8; before++) {
            String text = "x".repeat(before) + FACE.repeat(5);
            String shown = Shown.of(text, 8);
            assertThat(shown).hasSizeLessThanOrEqualTo(8).endsWith("…");
            assertThat(UTF_8.newEncoder().canEncode(shown)).isTrue();
        }
        assertThat(Shown.of("12345678", 8)).isEqualTo("12345678");
        assertThat(Shown.of("123456789", 8)).isEqualTo("1234567…");
    }

    @Test
    void whatNeitherUtf8NorATableTakesIsReplaced() {
        assertThat(Shown.of("a\0b\uD800c" + FACE + "\uDC00", 80))
                .isEqualTo("a\uFFFDb\uFFFDc" + FACE + "\uFFFD");
    }

    @Test
    void everyProblemIsBounded() {
        String huge = "\0\uD83D".repeat(1 << 20);
        Problem problem = Problem.ofLine(1, huge, huge).suggesting(huge);
        assertThat(problem.text()).hasSizeLessThan(10_000).doesNotContain("\0");
        assertThat(Objects.requireNonNull(problem.param())).hasSizeLessThanOrEqualTo(500);
    }
}
