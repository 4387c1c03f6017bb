package dev.tunesmith.trainer.attempt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.contracts.event.ExitCode;
import dev.tunesmith.platform.objects.ObjectStoreException;
import dev.tunesmith.platform.objects.ObjectStoreException.Code;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class StoragePatienceTest {

    private final List<Duration> pauses = new ArrayList<>();
    private long nanos;
    private int calls;

    private final StoragePatience patience =
            new StoragePatience(
                    Duration.ofMinutes(10),
                    new SplittableRandom(1),
                    () -> nanos,
                    pause -> {
                        pauses.add(pause);
                        nanos += pause.toNanos();
                    });

    @Test
    void repeatsUntilTheStoreAnswers() throws Exception {
        String answer = patience.of("reading x", () -> answerAfter(6));

        assertThat(answer).isEqualTo("answer");
        assertThat(pauses).hasSize(6).allMatch(pause -> pause.toMillis() <= 8_000);
    }

    @Test
    void doublesItsPausesUpToALimit() {
        assertThatThrownBy(() -> patience.of("reading x", () -> answerAfter(1_000_000)));

        assertThat(pauses.getFirst()).isLessThanOrEqualTo(Duration.ofMillis(250));
        assertThat(pauses.getLast()).isBetween(Duration.ofMillis(7_500), Duration.ofSeconds(15));
    }

    @Test
    void givesUpWithTheStorageCodeWhenTheBudgetIsSpent() {
        assertThatThrownBy(() -> patience.of("writing ckpt", () -> answerAfter(1_000_000)))
                .isInstanceOfSatisfying(
                        AttemptFailure.class,
                        failure -> assertThat(failure.exitCode()).isEqualTo(ExitCode.STORAGE))
                .hasMessageContaining("writing ckpt")
                .hasMessageContaining("does not answer");
        assertThat(Duration.ofNanos(nanos)).isLessThanOrEqualTo(Duration.ofMinutes(10));
    }

    @Test
    void neverRepeatsWhatWouldFailAgain() {
        assertThatThrownBy(() ->
                        patience.of(
                                "reading x",
                                () -> {
                                    calls++;
                                    throw failure(Code.CORRUPT);
                                }))
                .isInstanceOf(ObjectStoreException.class);
        assertThat(calls).isEqualTo(1);
    }

    private String answerAfter(int failures) {
        if (calls++ < failures) {
            throw failure(Code.UNAVAILABLE);
        }
        return "answer";
    }

    private static ObjectStoreException failure(Code code) {
        return new ObjectStoreException(code, "k", "the store does not answer", null);
    }
}
