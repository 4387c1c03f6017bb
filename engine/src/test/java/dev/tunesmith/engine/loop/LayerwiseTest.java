package dev.tunesmith.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tunesmith.contracts.care.Groups;
import dev.tunesmith.contracts.fit.ModelFacts;
import dev.tunesmith.contracts.job.Precision;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.job.Resolver;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.optim.Curve;
import dev.tunesmith.contracts.optim.OptimizerKind;
import dev.tunesmith.contracts.optim.OptimizerSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Weights that change on the way back end where those that change after it do.
class LayerwiseTest {

    @TempDir Path folder;
    private TinyModel model;
    private int rooms;

    @BeforeEach
    void createModel() throws IOException {
        model = TinyModel.create(Files.createDirectory(folder.resolve("model")));
    }

    static Stream<Arguments> runs() {
        return Stream.of(
                Arguments.of(OptimizerKind.LOMO, Method.SUPERVISED, 0.0),
                Arguments.of(OptimizerKind.LOMO, Method.SUPERVISED, 0.1),
                Arguments.of(OptimizerKind.LOMO, Method.PRETRAIN, 0.1),
                Arguments.of(OptimizerKind.LOMO, Method.DPO, 0.1),
                Arguments.of(OptimizerKind.LOMO, Method.KTO, 0.1),
                Arguments.of(OptimizerKind.LOMO, Method.ORPO, 0.0),
                Arguments.of(OptimizerKind.LOMO, Method.REWARD_MODEL, 0.1),
                Arguments.of(OptimizerKind.LOMO, Method.DISTILL, 0.1),
                Arguments.of(OptimizerKind.ADALOMO, Method.SUPERVISED, 0.0),
                Arguments.of(OptimizerKind.ADALOMO, Method.SUPERVISED, 0.1));
    }

    @ParameterizedTest
    @MethodSource("runs")
    void endsWhereTheOtherFormDoes(OptimizerKind kind, Method method, double normMax)
            throws IOException {
        ResolvedSpec plain = TinyModel.spec(method, TinyModel.FULL, Precision.FP32);
        ResolvedSpec spec =
                TinyModel.with(
                        TinyModel.with(plain, new OptimizerSpec(kind, Map.of()), Curve.CONSTANT),
                        Groups.USUAL,
                        normMax);
        ResolvedSpec atOnce = TinyModel.inParts(spec, 6);
        assertThat(Resolver.changesInBackward(spec)).isFalse();
        assertThat(Resolver.changesInBackward(atOnce)).isTrue();

        List<StepReport> after = steps(spec);
        List<StepReport> during = steps(atOnce);
        assertThat(during).hasSameSizeAs(after);
        for (int i = 0; i < after.size(); i++) {
            assertThat(during.get(i).loss())
                    .as("loss of step %d", i + 1)
                    .isCloseTo(after.get(i).loss(), within(5e-5 * (1 + after.get(i).loss())));
            assertThat(during.get(i).gradientNorm())
                    .as("gradient norm of step %d", i + 1)
                    .isCloseTo(
                            after.get(i).gradientNorm(),
                            within(2e-3 * (1 + after.get(i).gradientNorm())));
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

    @Test
    void gradientsOfOneLayerLiveAtATime() throws IOException {
        ModelFacts facts = model.facts();
        long table = (long) facts.vocabulary() * facts.width();
        assertThat(gradientBytes(6))
                .isEqualTo(4 * (table + facts.width() + facts.layerParameters()));
        assertThat(gradientBytes(3)).isEqualTo(4 * facts.parameters());
    }

    private long gradientBytes(int rowsAtOnce) throws IOException {
        ResolvedSpec lomo =
                TinyModel.with(
                        TinyModel.spec(Method.SUPERVISED, TinyModel.FULL, Precision.BF16),
                        new OptimizerSpec(OptimizerKind.LOMO, Map.of()),
                        Curve.CONSTANT);
        Path room = Files.createDirectory(folder.resolve("room" + rooms++));
        try (TrainingRun run =
                TrainingRun.prepare(
                        TinyModel.inParts(lomo, rowsAtOnce),
                        model.sources(Method.SUPERVISED),
                        room,
                        TinyModel.BYTES)) {
            Outcome _ = run.loop(run.start(), new Recorder()).run();
            return run.gradientBytes();
        }
    }
}
