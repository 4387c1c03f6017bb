package dev.tunesmith.contracts.problem;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class NearestNameTest {
    private static final List<String> KEYS =
            List.of("rank", "alpha", "learning_rate", "max_seq_len", "target_modules");

    @ParameterizedTest
    @CsvSource({
        "rnak,rank", "learningrate,learning_rate", "max_seq_length,max_seq_len",
        "lora_rank,rank", "TARGET-MODULES,target_modules", "alhpa,alpha"
    })
    void findsWhatWasMeant(String typed, String meant) {
        assertThat(NearestName.of(typed, KEYS)).contains(meant);
    }

    @Test
    void keepsSilentWhenNothingIsNear() {
        assertThat(NearestName.of("temperature", KEYS)).isEmpty();
        assertThat(NearestName.of("x", KEYS)).isEmpty();
    }

    @Test
    void listsSeveralBestFirst() {
        assertThat(NearestName.several("qwen3-0.6", List.of("llama", "qwen3-06b", "qwen3-1.7b"), 3))
                .containsExactly("qwen3-06b", "qwen3-1.7b");
    }

    @Test
    void countsASwapAsOneEdit() {
        assertThat(NearestName.distance("ab", "ba")).isEqualTo(1);
        assertThat(NearestName.distance("kitten", "sitting")).isEqualTo(3);
        assertThat(NearestName.distance("", "abc")).isEqualTo(3);
    }

    /// Kills: a table of distances as long as a name of 16 million characters.
    @Test
    void aHugeNameIsNearToNothing() {
        assertThat(NearestName.of("role".repeat(4 << 20), List.of("role"))).isEmpty();
    }

    @Test
    void problemsKeepTheFirstAndCountAll() {
        var problems = new Problems(2);
        for (int i = 1; i <= 5; i++) {
            problems.add(Problem.ofLine(i, null, "bad"));
        }
        assertThat(problems.count()).isEqualTo(5);
        assertThat(problems.kept()).extracting(Problem::line).containsExactly(1L, 2L);
        assertThat(problems.none()).isFalse();
    }

    @Test
    void aProblemReadsAsASentence() {
        Problem problem =
                Problem.of(ProblemCode.UNKNOWN_PARAMETER, "x_training.rnak", "is not a known key")
                        .suggesting("rank");
        assertThat(problem.text())
                .isEqualTo("x_training.rnak: is not a known key; did you mean rank?");
        assertThat(Problem.ofLine(4, null, "is not JSON").text()).isEqualTo("line 4: is not JSON");
        assertThat(ProblemCode.of("does_not_fit")).isEqualTo(ProblemCode.DOES_NOT_FIT);
        assertThat(ProblemCode.DOES_NOT_FIT.wire()).isEqualTo("does_not_fit");
    }
}
