package dev.tunesmith.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.Precision;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.Method;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// A step of six rows of unequal lengths is the same however it is cut into parts: means are over
/// the tokens, pairs or answers of the whole step.
class AccumulationTest {

    /// Later steps carry the rounding of earlier ones, which a drawn answer can turn into another
    /// word.
    private static final int STEPS = 5;

    @TempDir Path folder;
    private TinyModel model;
    private int rooms;

    @BeforeEach
    void createModel() throws IOException {
        model = TinyModel.create(Files.createDirectory(folder.resolve("model")));
    }

    @ParameterizedTest
    @EnumSource(Method.class)
    void partsOfAStepAddUpToTheWhole(Method method) throws IOException {
        AdapterSpec adapter = method.wire().length() % 2 == 0 ? TinyModel.lora(0) : TinyModel.FULL;
        ResolvedSpec whole =
                TinyModel.steps(
                        TinyModel.inParts(TinyModel.spec(method, adapter, Precision.FP32), 6),
                        STEPS);
        List<StepReport> expected = steps(whole);
        for (int rows : List.of(1, 2, 4)) {
            List<StepReport> cut = steps(TinyModel.inParts(whole, rows));
            for (int i = 0; i < STEPS; i++) {
                double loss = expected.get(i).loss();
                double norm = expected.get(i).gradientNorm();
                assertThat(cut.get(i).loss())
                        .as("loss of step %d in parts of %d rows", i + 1, rows)
                        .isCloseTo(loss, within(2e-4 * (1 + Math.abs(loss))));
                assertThat(cut.get(i).gradientNorm())
                        .as("gradient norm of step %d in parts of %d rows", i + 1, rows)
                        .isCloseTo(norm, within(5e-3 * (1 + norm)));
            }
        }
    }

    private List<StepReport> steps(ResolvedSpec spec) throws IOException {
        Recorder recorder = new Recorder();
        Path room = Files.createDirectory(folder.resolve("room" + rooms++));
        try (TrainingRun run =
                TrainingRun.prepare(spec, model.sources(spec.method()), room, TinyModel.BYTES)) {
            Outcome _ = run.loop(run.start(), recorder).run();
        }
        return recorder.steps;
    }
}
