package dev.tunesmith.engine.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tunesmith.contracts.method.Divergence;
import dev.tunesmith.contracts.method.MethodSettings.Preference;
import dev.tunesmith.contracts.method.PairLoss;
import dev.tunesmith.contracts.method.Reference;
import dev.tunesmith.engine.objective.PreferenceLoss.Pair;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Slopes of the losses on pairs against differences of the losses; their values are those of the
/// golden cases.
class PreferenceLossTest {

    private static final double STEP = 1e-5;
    private static final double DELTA = -0.4;

    /// Three pairs whose orders differ between answers, and whose margins have both signs.
    private static final List<Pair> PAIRS =
            List.of(
                    new Pair(-12.3, -9.1, -11.8, -10.4, 5, 3, 0.9),
                    new Pair(-20.6, -22.4, -22.9, -21.7, 9, 11, 0.4),
                    new Pair(-7.2, -15.5, -8.1, -14.9, 4, 6, 1));

    private static Preference settings(PairLoss loss, Divergence divergence) {
        return new Preference(
                0.3,
                List.of(loss),
                List.of(1.5),
                0.1,
                divergence,
                0.3,
                0.5,
                null,
                false,
                false,
                Reference.START);
    }

    static Stream<Arguments> losses() {
        return Arrays.stream(PairLoss.values())
                .filter(loss -> loss != PairLoss.SFT)
                .flatMap(loss ->
                        Arrays.stream(Divergence.values())
                                .map(divergence -> Arguments.of(loss, divergence)));
    }

    @ParameterizedTest
    @MethodSource("losses")
    void slopesAreThoseOfTheLoss(PairLoss loss, Divergence divergence) {
        Preference settings = settings(loss, divergence);
        PreferenceLoss.Result result = PreferenceLoss.of(settings, PAIRS, DELTA);
        for (int i = 0; i < PAIRS.size(); i++) {
            double chosen = difference(settings, i, STEP, 0);
            double rejected = difference(settings, i, 0, STEP);
            assertThat(result.chosenSlopes()[i]).isCloseTo(chosen, within(1e-6));
            assertThat(result.rejectedSlopes()[i]).isCloseTo(rejected, within(1e-6));
        }
    }

    /// Far from the reference `eˣ` has no value: the loss stays finite, and there it is flat.
    @ParameterizedTest
    @MethodSource("losses")
    void answersFarFromTheReferenceHaveAFiniteLoss(PairLoss loss, Divergence divergence) {
        List<Pair> far = List.of(new Pair(-5000, -6000, -10, -12, 90, 80, 1));
        PreferenceLoss.Result result = PreferenceLoss.of(settings(loss, divergence), far, DELTA);
        assertThat(result.losses()[0]).isFinite();
        assertThat((float) result.chosenSlopes()[0]).isFinite();
        assertThat((float) result.rejectedSlopes()[0]).isFinite();
    }

    /// BCO's rewards are taken relative to a baseline, those of the other losses are not.
    @Test
    void aBaselineMovesTheRewardsOfOneLoss() {
        List<Pair> one = List.of(PAIRS.getLast());
        Preference centred = settings(PairLoss.BCO_PAIR_DELTA, Divergence.REVERSE_KL);
        double chosen = 0.3 * 0.9;
        double rejected = 0.3 * -0.6;
        double expected =
                1.5
                        * (Math.log1p(Math.exp(-(chosen + 0.4)))
                                + Math.log1p(Math.exp(rejected + 0.4)));
        assertThat(PreferenceLoss.of(centred, one, DELTA).losses()[0])
                .isCloseTo(expected, within(1e-12));
        Preference plain = settings(PairLoss.BCO_PAIR, Divergence.REVERSE_KL);
        assertThat(PreferenceLoss.of(plain, one, DELTA).losses())
                .isEqualTo(PreferenceLoss.of(plain, one, 0).losses())
                .isEqualTo(PreferenceLoss.of(centred, one, 0).losses());
    }

    @Test
    void weightAndConfidenceScaleTheLoss() {
        Preference settings = settings(PairLoss.HINGE, Divergence.REVERSE_KL);
        // The second pair: margin 0.3 · (2.3 + 0.7) = 0.9, so 0.1 · 1.5 · 0.4.
        assertThat(PreferenceLoss.of(settings, PAIRS, DELTA).losses()[1])
                .isCloseTo(0.06, within(1e-12));
    }

    private static double difference(Preference settings, int pair, double chosen, double other) {
        return (sum(settings, pair, chosen, other) - sum(settings, pair, -chosen, -other))
                / (2 * STEP);
    }

    private static double sum(Preference settings, int pair, double chosen, double rejected) {
        List<Pair> moved = new ArrayList<>(PAIRS);
        Pair old = PAIRS.get(pair);
        moved.set(
                pair,
                new Pair(
                        old.chosen() + chosen,
                        old.rejected() + rejected,
                        old.chosenReference(),
                        old.rejectedReference(),
                        old.chosenTokens(),
                        old.rejectedTokens(),
                        old.confidence()));
        return Arrays.stream(PreferenceLoss.of(settings, moved, DELTA).losses()).sum();
    }
}
