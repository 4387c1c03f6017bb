package dev.tunesmith.engine.objective;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.engine.data.BatchBuilder;
import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.data.TokenBatch;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Pairs of a prompt and an answer that do not belong together.
class MismatchedTest {

    private static Sample row(int prompt, int answer) {
        return new Sample(new int[] {1, prompt, answer, 2}, new float[] {0, 0, 1, 1});
    }

    private static TokenBatch batch(Sample... rows) {
        BatchBuilder builder = new BatchBuilder();
        for (Sample row : rows) {
            builder.add(row);
        }
        return builder.build();
    }

    @Test
    void everyPromptGetsTheAnswerBeforeItsOwn() {
        TokenBatch pairs =
                Mismatched.of(List.of(batch(row(10, 20), row(11, 21), row(12, 22)))).getFirst();
        assertThat(pairs.ids_N()).containsExactly(1, 10, 22, 2, 1, 11, 20, 2, 1, 12, 21, 2);
        assertThat(pairs.labels_N())
                .containsExactly(-100, 22, 2, -100, -100, 20, 2, -100, -100, 21, 2, -100);
    }

    @Test
    void theStepAsAWholeIsTurnedHoweverItIsCut() {
        List<TokenBatch> parts =
                Mismatched.of(List.of(batch(row(10, 20)), batch(row(11, 21), row(12, 22))));
        assertThat(parts).hasSize(2);
        assertThat(parts.get(0).ids_N()).containsExactly(1, 10, 22, 2);
        assertThat(parts.get(1).ids_N()).containsExactly(1, 11, 20, 2, 1, 12, 21, 2);
    }

    @Test
    void repeatedPromptsAndAnswersNeverMeetTheirOwn() {
        TokenBatch pairs =
                Mismatched.of(List.of(batch(row(10, 20), row(10, 21), row(11, 21)))).getFirst();
        assertThat(pairs.ids_N()).containsExactly(1, 10, 21, 2, 1, 11, 20, 2);
        assertThat(Mismatched.of(List.of(batch(row(10, 20), row(10, 20))))).isEmpty();
        assertThat(Mismatched.of(List.of(batch(row(10, 20))))).isEmpty();
    }
}
