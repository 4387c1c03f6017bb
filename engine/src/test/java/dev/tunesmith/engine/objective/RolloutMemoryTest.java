package dev.tunesmith.engine.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tunesmith.contracts.method.KlEstimator;
import dev.tunesmith.contracts.method.MethodSettings.Ppo;
import org.junit.jupiter.api.Test;

class RolloutMemoryTest {

    private final RolloutMemory memory =
            new RolloutMemory(new Ppo.Distance(KlEstimator.K1, 0.05, null, 100));

    @Test
    void scoresAreTakenByMeanAndDeviationOfAllThatWereSeen() {
        memory.saw(new double[] {1, 3});
        memory.saw(new double[] {2, 6});
        // Mean 3, deviation √(14 / 3).
        assertThat(memory.normalised(6)).isCloseTo(1.3887301496588271, within(1e-12));
        assertThat(memory.normalised(1)).isCloseTo(-0.9258200997725514, within(1e-12));
    }

    @Test
    void scoresWithoutASpreadSayNothing() {
        memory.saw(new double[] {7});
        assertThat(memory.normalised(7)).isEqualTo(7);
        memory.saw(new double[] {7, 7});
        assertThat(memory.normalised(7)).isZero();
    }

    @Test
    void anAnswerThatDidNotEndPaysForIt() {
        var credit = new Ppo.Credit(1, 0.95, false, 0.5, false);
        assertThat(Credit.scored(credit, 2, true)).isEqualTo(2);
        assertThat(Credit.scored(credit, 2, false)).isEqualTo(1.5);
    }
}
