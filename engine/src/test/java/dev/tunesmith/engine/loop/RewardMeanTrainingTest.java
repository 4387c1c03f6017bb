package dev.tunesmith.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tunesmith.contracts.job.Precision;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.Divergence;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.method.MethodSettings;
import dev.tunesmith.contracts.method.MethodSettings.Kto;
import dev.tunesmith.contracts.method.MethodSettings.Preference;
import dev.tunesmith.contracts.method.PairLoss;
import dev.tunesmith.contracts.method.Reference;
import dev.tunesmith.engine.loop.LoopObserver.Stop;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// BCO on pairs and on single answers: rewards relative to the mean of all rewards so far.
class RewardMeanTrainingTest {

    @TempDir Path folder;
    private TinyModel model;
    private int runs;

    @BeforeEach
    void createModel() throws IOException {
        model = TinyModel.create(Files.createDirectory(folder.resolve("model")));
    }

    private static MethodSettings settings(Method method) {
        return method == Method.KTO
                ? new Kto(Kto.Variant.BCO, 0.5, 1, 1, Reference.START)
                : new Preference(
                        0.5,
                        List.of(PairLoss.BCO_PAIR_DELTA),
                        List.of(1.0),
                        0,
                        Divergence.REVERSE_KL,
                        0.5,
                        0.05,
                        null,
                        false,
                        false,
                        Reference.START);
    }

    private Recorder run(Method method, int atOnce) throws IOException {
        ResolvedSpec plain = TinyModel.spec(method, TinyModel.FULL, Precision.FP32);
        ResolvedSpec spec = TinyModel.inParts(TinyModel.with(plain, settings(method)), atOnce);
        Recorder recorder = new Recorder(_ -> Stop.NO, _ -> {});
        Path room = Files.createDirectory(folder.resolve("room" + runs++));
        try (TrainingRun run =
                TrainingRun.prepare(spec, model.sources(method), room, TinyModel.BYTES)) {
            Outcome _ = run.loop(run.start(), recorder).run();
        }
        return recorder;
    }

    /// Twenty pairs in steps of six: each pair counts alike.
    @Test
    void theBaselineOfPairsIsTheMeanOfAllStepsSoFar() throws IOException {
        List<StepReport> steps = run(Method.DPO, 2).steps;
        double sum = 0;
        int pairs = 0;
        for (int i = 0; i < steps.size(); i++) {
            Map<String, Double> found = steps.get(i).metrics();
            int ofStep = i % 4 == 3 ? 2 : 6;
            sum +=
                    ofStep
                            * (found.getOrDefault("rewards/chosen", Double.NaN)
                                    + found.getOrDefault("rewards/rejected", Double.NaN))
                            / 2;
            pairs += ofStep;
            assertThat(found.get("delta")).as("step %d", i).isCloseTo(sum / pairs, within(1e-6));
        }
        assertThat(Math.abs(sum)).isGreaterThan(0.05);
        assertThat(steps.getFirst().loss()).isCloseTo(2 * Math.log(2), within(1e-6));
    }

    @Test
    void answersMoveApartAroundTheBaseline() throws IOException {
        List<StepReport> steps = run(Method.KTO, 4).steps;
        assertThat(steps.getFirst().loss()).isCloseTo(Math.log(2), within(1e-6));
        assertThat(steps.getLast().loss()).isLessThan(0.6);
        assertThat(steps.getLast().metrics()).containsKey("delta").doesNotContainKey("kl");
        assertThat(steps.getLast().metrics().get("delta")).isNotCloseTo(0, within(1e-3));
    }

    @ParameterizedTest
    @EnumSource(
            value = Method.class,
            names = {"DPO", "KTO"})
    void aStepThatIsCutSeesTheSameBaseline(Method method) throws IOException {
        List<StepReport> whole = run(method, 64).steps;
        List<StepReport> cut = run(method, 1).steps;
        for (int i = 0; i < whole.size(); i++) {
            assertThat(cut.get(i).loss()).isCloseTo(whole.get(i).loss(), within(1e-3));
            assertThat(cut.get(i).metrics().get("delta"))
                    .isCloseTo(whole.get(i).metrics().get("delta"), within(1e-3));
        }
    }
}
