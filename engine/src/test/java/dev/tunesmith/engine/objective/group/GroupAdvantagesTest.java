package dev.tunesmith.engine.objective.group;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.method.GroupSettings.Advantage;
import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/// What the rewards 1, 3 and 2, 6 of two groups are worth.
class GroupAdvantagesTest {

    private static final double[] REWARDS = {1, 3, 2, 6};
    private static final Offset<Double> NEAR = Offset.offset(1e-12);

    private static double[] of(Advantage kind) {
        return new GroupAdvantages(2).of(kind, REWARDS);
    }

    @Test
    void groupsAreScaledByTheirOwnDeviation() {
        assertThat(of(Advantage.GROUP))
                .containsExactly(
                        new double[] {
                            -0.7070567847218314,
                            0.7070567847218314,
                            -0.7070817820703996,
                            0.7070817820703996
                        },
                        NEAR);
    }

    @Test
    void orByThatOfTheWholeBatch() {
        assertThat(of(Advantage.BATCH))
                .containsExactly(
                        new double[] {
                            -0.46288862230675126,
                            0.46288862230675126,
                            -0.9257772446135025,
                            0.9257772446135025
                        },
                        NEAR);
        assertThat(of(Advantage.NONE)).containsExactly(-1, 1, -2, 2);
    }

    @Test
    void reinforceComparesWithTheWholeBatch() {
        assertThat(of(Advantage.WHITENED))
                .containsExactly(
                        new double[] {
                            -0.9257772446135025, 0, -0.46288862230675126, 1.3886658669202538
                        },
                        NEAR);
        assertThat(of(Advantage.OTHERS)).containsExactly(-2, 2, -4, 4);
    }

    @Test
    void theDistanceOfAllTokensIsTakenOffTheReward() {
        double[] priced =
                GroupAdvantages.priced(
                        new double[] {1, 3},
                        0.5,
                        List.of(new double[] {-1, -2}, new double[] {-4}),
                        List.of(new double[] {-1.5, -3}, new double[] {-3}));
        assertThat(priced).containsExactly(new double[] {0.25, 3.5}, NEAR);
    }
}
