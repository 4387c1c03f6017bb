package dev.tunesmith.contracts.grade;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Map;
import org.junit.jupiter.api.Test;

final class LikelihoodsTest {

    /// Kills: a mean over tokens where one over rows is meant, and the other way round.
    @Test
    void meansOverTokensAndOverRowsAreApart() {
        Likelihoods all = new Likelihoods();
        all.add(new Likelihood(1, 2, 1));
        all.add(new Likelihood(3, 0.3, 0));
        all.add(new Likelihood(0, 0, 0));

        Map<String, Double> scores = all.scores();
        assertThat(all.rows()).isEqualTo(2);
        assertThat(scores.get("token_accuracy")).isEqualTo(0.25);
        assertThat(scores.get("token_accuracy_rows")).isEqualTo(0.5);
        assertThat(scores.get("loss")).isCloseTo(2.3 / 4, within(1e-12));
        assertThat(scores.get("loss_rows")).isCloseTo((2 + 0.1) / 2, within(1e-12));
        assertThat(scores.get("perplexity")).isCloseTo(Math.exp(2.3 / 4), within(1e-12));
        assertThat(scores.get("perplexity_rows"))
                .isCloseTo((Math.exp(2) + Math.exp(0.1)) / 2, within(1e-12));
    }

    @Test
    void nothingCountedHasNoScores() {
        assertThat(new Likelihoods().scores()).isEmpty();
    }
}
