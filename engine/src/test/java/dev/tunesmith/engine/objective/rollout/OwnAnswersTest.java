package dev.tunesmith.engine.objective.rollout;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.method.MethodSettings.Ppo;
import dev.tunesmith.engine.data.BatchBuilder;
import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.objective.LossSum;
import dev.tunesmith.engine.objective.Objective;
import dev.tunesmith.engine.objective.Objective.Occasion;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.StepArena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// In which steps a student says something itself, and what is learned then.
class OwnAnswersTest {

    private static final int STEPS = 100;
    private static final int[] PROMPT = {1, 40, 41};

    private final StepArena arena = StepArena.unlimited();
    private final Decoder model =
            Decoder.load(
                    ModelDirectory.open(Path.of("../golden/methods/models/policy")),
                    DType.F32,
                    Decoder.Loading.MAPPED);
    private final List<TokenBatch> learned = new ArrayList<>();
    private final TokenBatch given =
            new BatchBuilder()
                    .add(new Sample(new int[] {1, 40, 41, 50, 2}, new float[] {0, 0, 0, 1, 1}))
                    .build();

    @AfterEach
    void close() {
        model.close();
        arena.close();
    }

    private Objective objective(double share) {
        var drawer = new Drawer(model, Set.of(), new Ppo.Rollout(3, 1, 1, 0), 11);
        Objective notes =
                (_, parts, _) -> {
                    learned.addAll(parts);
                    return Objective.Step.of(parts, (_, _) -> LossSum.ZERO);
                };
        return new OwnAnswers(notes, drawer, share);
    }

    @ParameterizedTest
    @CsvSource({"0,0,0", "0.3,18,42", "0.8,68,92", "1,100,100"})
    void theShareIsThatOfTheSteps(double share, int least, int most) {
        Objective objective = objective(share);
        for (int step = 0; step < STEPS; step++) {
            objective.begin(arena, List.of(given), new Occasion(step, 0, true));
        }
        assertThat(learned.stream().filter(batch -> batch.tokens() != given.tokens()).count())
                .isBetween((long) least, (long) most);
    }

    @Test
    void anOwnAnswerFollowsThePromptAndIsLearned() {
        objective(1).begin(arena, List.of(given), new Occasion(0, 0, true));
        TokenBatch own = learned.getFirst();
        assertThat(Arrays.copyOf(own.ids_N(), PROMPT.length)).isEqualTo(PROMPT);
        assertThat(own.tokens()).isEqualTo(PROMPT.length + 3);
        assertThat(own.trainedTokens()).isEqualTo(3);
        assertThat(own.labels_N()[PROMPT.length - 1]).isEqualTo(own.ids_N()[PROMPT.length]);
    }

    @Test
    void evaluationsAreOfTheRows() {
        objective(1).begin(arena, List.of(given), new Occasion(0, 0, false));
        assertThat(learned).containsExactly(given);
    }
}
