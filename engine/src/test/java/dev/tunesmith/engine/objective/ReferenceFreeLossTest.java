package dev.tunesmith.engine.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.method.MethodSettings.ReferenceFree;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import dev.tunesmith.engine.tensor.DType;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// AlphaPO: SimPO with a reward of another shape, `(1 − p^−alpha) / alpha` in place of `log p`.
class ReferenceFreeLossTest {

    private static final double STEP = 1e-5;
    private static final double CHOSEN = -1.3;
    private static final double REJECTED = -2.1;

    private Decoder model;

    @BeforeEach
    void load() {
        model =
                Decoder.load(
                        ModelDirectory.open(Path.of("../golden/methods/models/policy")),
                        DType.F32,
                        Decoder.Loading.MAPPED);
    }

    @AfterEach
    void close() {
        model.close();
    }

    private Dual pair(double alpha, double chosen, double rejected) {
        var settings =
                new ReferenceFree(
                        Method.SIMPO,
                        ReferenceFree.Loss.SIMPO,
                        2.5,
                        0,
                        0,
                        ReferenceFree.Nll.RESPONSE,
                        0.7,
                        alpha);
        var objective =
                new ReferenceFreeObjective(new Policy(model, CheckpointPolicy.keepAll()), settings);
        return objective.pair(Dual.first(chosen), Dual.second(rejected), new Metrics.Builder());
    }

    @ParameterizedTest
    @ValueSource(doubles = {-0.5, 0.25, 2})
    void isTheLossOfThePaper(double alpha) {
        double chosen = (1 - Math.pow(Math.exp(CHOSEN), -alpha)) / alpha;
        double rejected = (1 - Math.pow(Math.exp(REJECTED), -alpha)) / alpha;
        double expected = Math.log1p(Math.exp(-(2.5 * (chosen - rejected) - 0.7)));
        Dual found = pair(alpha, CHOSEN, REJECTED);
        assertThat(found.value()).isCloseTo(expected, within(1e-12));
        assertThat(found.a())
                .isCloseTo(
                        (pair(alpha, CHOSEN + STEP, REJECTED).value()
                                        - pair(alpha, CHOSEN - STEP, REJECTED).value())
                                / (2 * STEP),
                        within(1e-7));
        assertThat(found.b())
                .isCloseTo(
                        (pair(alpha, CHOSEN, REJECTED + STEP).value()
                                        - pair(alpha, CHOSEN, REJECTED - STEP).value())
                                / (2 * STEP),
                        within(1e-7));
        assertThat(found.value()).isNotCloseTo(pair(0, CHOSEN, REJECTED).value(), within(1e-3));
    }

    @Test
    void isSimPoWhereTheShapeIsAlmostStraight() {
        assertThat(pair(1e-7, CHOSEN, REJECTED).value())
                .isCloseTo(pair(0, CHOSEN, REJECTED).value(), within(1e-6));
    }

    @Test
    void anAnswerThatIsAlmostImpossibleHasAFiniteLoss() {
        Dual far = pair(4, -600, -900);
        assertThat(far.value()).isFinite();
        assertThat((float) far.a()).isFinite();
    }
}
