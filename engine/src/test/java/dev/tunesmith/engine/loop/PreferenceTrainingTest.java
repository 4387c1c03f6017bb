package dev.tunesmith.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.Precision;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.Divergence;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.method.MethodSettings;
import dev.tunesmith.contracts.method.MethodSettings.Preference;
import dev.tunesmith.contracts.method.PairLoss;
import dev.tunesmith.contracts.method.Reference;
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

/// Preference training on the one loop.
class PreferenceTrainingTest {

    @TempDir Path folder;
    private TinyModel model;

    @BeforeEach
    void createModel() throws IOException {
        model = TinyModel.create(Files.createDirectory(folder.resolve("model")));
    }

    @Test
    void pullsTheAnswersApart() throws IOException {
        for (AdapterSpec adapter : List.of(TinyModel.lora(0), TinyModel.FULL)) {
            Recorder recorder = model.train(spec(adapter, Preference.dpo(0.1), 3));
            Map<String, Double> first = recorder.steps.getFirst().metrics();
            Map<String, Double> last = recorder.steps.getLast().metrics();

            assertThat(recorder.losses().getFirst()).isCloseTo(Math.log(2), within(1e-6));
            assertThat(first.get("rewards/margins")).isEqualTo(0);
            assertThat(last.get("rewards/margins")).isGreaterThan(0.05);
            assertThat(last.get("rewards/accuracies")).isEqualTo(1);
            assertThat(recorder.evaluations.getLast().metrics().get("rewards/accuracies"))
                    .isEqualTo(1);
        }
    }

    @ParameterizedTest
    @EnumSource(PairLoss.class)
    void theResultDoesNotDependOnHowAStepIsCut(PairLoss loss) throws IOException {
        Preference settings =
                new Preference(
                        0.2,
                        List.of(loss, PairLoss.SFT),
                        List.of(1.0, 0.3),
                        0.1,
                        Divergence.REVERSE_KL,
                        0.5,
                        0.05,
                        0.5,
                        false,
                        false,
                        Reference.START);
        List<Double> whole = model.train(spec(TinyModel.FULL, settings, 6)).losses();
        for (int pairs : List.of(1, 4)) {
            List<Double> cut = model.train(spec(TinyModel.FULL, settings, pairs)).losses();
            for (int i = 0; i < whole.size(); i++) {
                assertThat(cut.get(i))
                        .as("step %d in parts of %d pairs", i, pairs)
                        .isCloseTo(whole.get(i), within(1e-3 * Math.max(1, whole.get(i))));
            }
        }
    }

    private ResolvedSpec spec(AdapterSpec adapter, MethodSettings settings, int pairsAtOnce) {
        ResolvedSpec spec = TinyModel.spec(Method.DPO, adapter, Precision.FP32);
        ResolvedSpec.Rows rows = spec.rows();
        return spec.with(settings)
                .with(
                        new ResolvedSpec.Rows(
                                rows.maxSeqLen(),
                                false,
                                rows.overflow(),
                                false,
                                0.15,
                                6,
                                pairsAtOnce));
    }
}
