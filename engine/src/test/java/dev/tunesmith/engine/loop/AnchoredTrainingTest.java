package dev.tunesmith.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.Precision;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.method.MethodSettings.Supervised;
import dev.tunesmith.contracts.method.Reference;
import dev.tunesmith.contracts.method.TokenLoss;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// ASFT is DFT with an anchor: whatever trains has the model before training as its reference.
class AnchoredTrainingTest {

    @TempDir Path folder;
    private TinyModel model;

    @BeforeEach
    void createModel() throws IOException {
        model = TinyModel.create(Files.createDirectory(folder.resolve("model")));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void theAnchorHoldsTheModelBack(boolean full) throws IOException {
        AdapterSpec adapter = full ? TinyModel.FULL : TinyModel.lora(0);
        Recorder free =
                train(adapter, new Supervised(TokenLoss.DFT, 0, 1, 0, false, 0, Reference.START));
        Recorder loose =
                train(adapter, new Supervised(TokenLoss.ASFT, 0, 1, 0, false, 0, Reference.START));
        Recorder held =
                train(
                        adapter,
                        new Supervised(TokenLoss.ASFT, 0, 1, 0, false, 100, Reference.START));

        assertThat(loose.losses().getFirst()).isCloseTo(free.losses().getFirst(), within(1e-6));
        assertThat(loose.losses().getLast()).isCloseTo(free.losses().getLast(), within(1e-4));
        assertThat(divergence(held, 0)).isCloseTo(0, within(1e-6));
        assertThat(divergence(loose, 11)).isGreaterThan(1e-2);
        assertThat(divergence(held, 11)).isBetween(1e-7, divergence(loose, 11) / 2);
    }

    private static double divergence(Recorder recorder, int step) {
        return recorder.steps.get(step).metrics().getOrDefault("divergence", Double.NaN);
    }

    private Recorder train(AdapterSpec adapter, Supervised settings) throws IOException {
        ResolvedSpec spec =
                TinyModel.spec(Method.SUPERVISED, adapter, Precision.FP32).with(settings);
        return model.train(spec);
    }
}
