package dev.tunesmith.engine.objective.group;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tunesmith.engine.objective.group.GroupAdvantages.Scale;
import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/// Advantages of grouped answers, computed by hand.
class GroupAdvantagesTest {

    private static final Offset<Double> CLOSE = within(1e-9);

    private final GroupAdvantages pairs = new GroupAdvantages(2);

    @Test
    void groupsAreComparedWithThemselves() {
        double[] found = pairs.centred(new double[] {1, 3, 10, 20}, Scale.NONE);
        assertThat(found).containsExactly(new double[] {-1, 1, -5, 5}, CLOSE);
        double[] scaled = pairs.centred(new double[] {1, 3, 10, 20}, Scale.GROUP);
        assertThat(scaled[1]).isCloseTo(1 / (Math.sqrt(2) + 1e-4), CLOSE);
        assertThat(scaled[3]).isCloseTo(5 / (5 * Math.sqrt(2) + 1e-4), CLOSE);
    }

    @Test
    void equalRewardsTeachNothing() {
        assertThat(pairs.centred(new double[] {2, 2, 1, 3}, Scale.GROUP)).startsWith(0, 0);
        assertThat(pairs.leaveOneOut(new double[] {2, 2, 1, 3}))
                .containsExactly(new double[] {0, 0, -2, 2}, CLOSE);
    }

    @Test
    void aRewardThatWasNotGivenCountsNowhere() {
        double none = Double.NaN;
        double[] sums =
                GroupAdvantages.sums(
                        List.of(new double[] {1, none, 4}, new double[] {none, none, 2}),
                        new double[] {1, 0.5});
        assertThat(sums).containsExactly(1, none, 5);
        assertThat(new GroupAdvantages(3).centred(sums, Scale.NONE))
                .containsExactly(new double[] {-2, 0, 2}, CLOSE);
    }
}
