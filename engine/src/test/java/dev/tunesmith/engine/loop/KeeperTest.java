package dev.tunesmith.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.tunesmith.contracts.care.Care;
import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.Precision;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.AdapterKind;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.optim.Curve;
import dev.tunesmith.contracts.optim.OptimizerKind;
import dev.tunesmith.contracts.optim.OptimizerSpec;
import dev.tunesmith.engine.io.SafetensorsFile;
import dev.tunesmith.engine.io.StoredTensor;
import dev.tunesmith.engine.loop.LoopObserver.Stop;
import dev.tunesmith.engine.loop.subject.SpecRefusedException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/// Averages of the weights, the best of them, and the end of a run that gets no better.
class KeeperTest {

    private static final String ADAPTER = "adapter_model.safetensors";
    private static final String A = "base_model.model.model.layers.0.mlp.up_proj.lora_A.weight";

    @TempDir Path folder;
    private TinyModel model;
    private int rooms;

    @BeforeEach
    void createModel() throws IOException {
        model = TinyModel.create(Files.createDirectory(folder.resolve("model")));
    }

    private static ResolvedSpec spec(AdapterSpec adapter, Map<String, Object> care) {
        return spec(adapter, Precision.FP32, care);
    }

    private static ResolvedSpec spec(
            AdapterSpec adapter, Precision precision, Map<String, Object> care) {
        ResolvedSpec plain = TinyModel.spec(Method.SUPERVISED, adapter, precision);
        return TinyModel.with(plain, Care.of(care));
    }

    /// A run that collects a checkpoint after every step, and its result.
    private final class Collected {
        private final Recorder recorder;
        private final Map<Integer, Path> checkpoints = new TreeMap<>();
        private final Path result;
        private final LoopState end;

        Collected(ResolvedSpec asked) throws IOException {
            ResolvedSpec spec = TinyModel.saving(asked, 1);
            Path room = Files.createDirectory(folder.resolve("room" + rooms++));
            try (TrainingRun run =
                    TrainingRun.prepare(
                            spec, model.sources(spec.method()), room, TinyModel.BYTES)) {
                recorder = new Recorder(_ -> Stop.NO, state -> keep(run, state));
                end = ((Outcome.Finished) run.loop(run.start(), recorder).run()).state();
                result = Files.createDirectory(folder.resolve("result" + rooms++));
                run.writeResult(result, end);
            }
        }

        private void keep(TrainingRun run, LoopState state) {
            try {
                Path at = Files.createDirectory(folder.resolve("at" + rooms++));
                run.writeCheckpoint(at, state);
                checkpoints.put(state.step(), at);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private float[] exact(int step) {
            return floats(checkpoint(step).resolve(CheckpointFolder.TENSORS), A + ".master");
        }

        private Path checkpoint(int step) {
            return Objects.requireNonNull(checkpoints.get(step));
        }
    }

    private static float[] floats(Path file, String name) {
        try (SafetensorsFile stored = SafetensorsFile.open(file)) {
            return stored.floats(
                    stored.tensors().stream()
                            .map(tensor -> tensor.name())
                            .filter(found -> found.endsWith(name) || name.endsWith(found))
                            .findFirst()
                            .orElse(name));
        }
    }

    /// Adapters are written from the fp32 copies of bf16 weights: the average is shown instead.
    @ParameterizedTest
    @EnumSource(Precision.class)
    void theResultIsTheAverageOfThePath(Precision precision) throws IOException {
        Map<String, Object> care = Map.of("ema_decay", 0.5, "ema_start", 3);
        Collected run = new Collected(spec(TinyModel.lora(0), precision, care));

        float[] expected = run.exact(3);
        for (int step = 4; step <= 11; step++) {
            float[] now = run.exact(step);
            for (int i = 0; i < now.length; i++) {
                expected[i] = 0.5f * expected[i] + 0.5f * now[i];
            }
        }
        float[] average = floats(run.checkpoint(11).resolve(CheckpointFolder.TENSORS), A + ".ema");
        float[] exported = floats(run.checkpoint(11).resolve(ADAPTER), A);
        for (int i = 0; i < expected.length; i++) {
            assertThat(average[i]).isCloseTo(expected[i], within(1e-6f));
            assertThat(exported[i]).isCloseTo(expected[i], within(1e-6f));
        }
    }

    @Test
    void theAverageIsMeasuredOnlyIfItIsWanted() throws IOException {
        Map<String, Object> decay = Map.of("ema_decay", 0.9);
        List<Double> measured = losses(new Collected(spec(TinyModel.lora(0), decay)));
        List<Double> plain = losses(new Collected(spec(TinyModel.lora(0), Map.of())));
        List<Double> hidden =
                losses(
                        new Collected(
                                spec(
                                        TinyModel.lora(0),
                                        Map.of("ema_decay", 0.9, "ema_evaluate", false))));
        assertThat(hidden).isEqualTo(plain);
        assertThat(measured.getLast()).isGreaterThan(plain.getLast());
        assertThat(new Collected(spec(TinyModel.lora(0), decay)).recorder.losses())
                .isEqualTo(new Collected(spec(TinyModel.lora(0), Map.of())).recorder.losses());
    }

    private static List<Double> losses(Collected run) {
        return run.recorder.evaluations.stream().map(Evaluation::loss).toList();
    }

    /// A rate that destroys what was learned, so that the best state is not the last.
    private static ResolvedSpec wild(ResolvedSpec spec) {
        ResolvedSpec.Optimizer old = spec.optimizer();
        ResolvedSpec.Optimizer fast =
                new ResolvedSpec.Optimizer(
                        1.2, 1, Curve.CONSTANT, 0, 0, 0, old.maxGradNorm(), OptimizerSpec.ADAMW);
        return spec.with(fast);
    }

    @ParameterizedTest
    @CsvSource({"false, FP32", "false, BF16", "true, FP32", "true, BF16"})
    void theResultIsTheBestState(boolean full, Precision precision) throws IOException {
        AdapterSpec adapter = full ? TinyModel.FULL : TinyModel.lora(0);
        Map<String, Object> care =
                Map.of(
                        "load_best_at_end",
                        true,
                        "early_stopping_patience",
                        9,
                        "early_stopping_min_delta",
                        100.0);
        Collected run = new Collected(spec(adapter, precision, care));

        Evaluation best = run.recorder.evaluations.get(1);
        assertThat(best.step()).isLessThan(12);
        assertThat(run.end.best().step()).isEqualTo(best.step());
        String file = full ? "model.safetensors" : ADAPTER;
        assertThat(Files.readAllBytes(run.result.resolve(file)))
                .isEqualTo(Files.readAllBytes(run.checkpoint(best.step()).resolve(file)))
                .isNotEqualTo(Files.readAllBytes(run.checkpoint(11).resolve(file)));
    }

    /// Components that an AdaLoRA switches off later still count in its best state, and those that
    /// are switched off now still count in its average: what is written is what was measured.
    @ParameterizedTest
    @CsvSource({"true, FP32", "true, BF16", "false, FP32", "false, BF16"})
    void anAdaLoraIsWrittenAsItWasMeasured(boolean best, Precision precision) throws IOException {
        Map<String, Object> care =
                best
                        ? Map.of("load_best_at_end", true, "early_stopping_min_delta", 100.0)
                        : Map.of("ema_decay", 0.9);
        AdapterSpec adapter = TinyModel.variant(AdapterKind.ADALORA);
        Collected run = new Collected(wild(spec(adapter, precision, care)));

        List<Evaluation> seen = run.recorder.evaluations;
        Evaluation written = best ? seen.get(1) : seen.getLast();
        assertThat(seen.get(1).step()).isLessThan(seen.getLast().step());
        if (best) {
            assertThat(components(run.checkpoint(11))).isLessThan(components(run.result));
        }
        assertThat(firstMeasure(spec(adapter, precision, Map.of()), run.result))
                .isCloseTo(written.loss(), within(precision == Precision.FP32 ? 1e-6 : 1e-3));
    }

    private static long components(Path adapter) {
        try (SafetensorsFile stored = SafetensorsFile.open(adapter.resolve(ADAPTER))) {
            return stored.tensors().stream()
                    .filter(tensor -> tensor.name().endsWith(".lora_E"))
                    .mapToLong(StoredTensor::elements)
                    .sum();
        }
    }

    /// What a job that goes on with an adapter measures before it trains.
    private double firstMeasure(ResolvedSpec spec, Path adapter) throws IOException {
        TrainingRun.Sources files = model.sources(spec.method());
        var sources =
                new TrainingRun.Sources(
                        files.base(),
                        files.training(),
                        files.validation(),
                        Map.of(),
                        Optional.of(adapter),
                        List.of());
        Path room = Files.createDirectory(folder.resolve("room" + rooms++));
        Recorder recorder = new Recorder(step -> step >= 1 ? Stop.AT_ONCE : Stop.NO, _ -> {});
        try (TrainingRun run = TrainingRun.prepare(spec, sources, room, TinyModel.BYTES)) {
            Outcome _ = run.loop(run.start(), recorder).run();
        }
        return recorder.evaluations.getFirst().loss();
    }

    /// The point that is measured lies between the two that train.
    @ParameterizedTest
    @EnumSource(Precision.class)
    void aScheduleFreeAdapterIsWrittenAsItIsMeasured(Precision precision) throws IOException {
        ResolvedSpec plain = TinyModel.spec(Method.SUPERVISED, TinyModel.lora(0), precision);
        Collected run =
                new Collected(
                        TinyModel.with(
                                plain,
                                OptimizerSpec.usual(OptimizerKind.SCHEDULE_FREE),
                                Curve.CONSTANT));

        assertThat(floats(run.checkpoint(11).resolve(ADAPTER), A)).isNotEqualTo(run.exact(11));
    }

    @Test
    void aRunThatGetsNoBetterEnds() throws IOException {
        Collected run =
                new Collected(
                        wild(
                                spec(
                                        TinyModel.lora(0),
                                        Map.of(
                                                "early_stopping_patience",
                                                1,
                                                "early_stopping_min_delta",
                                                100.0))));
        int steps = run.recorder.steps.size();
        assertThat(steps).isLessThan(12).isEqualTo(run.end.best().step() + 3);
    }

    @Test
    void anAccuracyIsBetterWhenItIsLarger() throws IOException {
        Collected run =
                new Collected(
                        spec(
                                TinyModel.lora(0),
                                Map.of("metric_for_best", "accuracy", "load_best_at_end", true)));
        double largest =
                run.recorder.evaluations.stream()
                        .filter(evaluation -> evaluation.step() > 0)
                        .mapToDouble(Evaluation::accuracy)
                        .max()
                        .orElseThrow();
        assertThat(run.end.best().value()).isEqualTo(largest);
    }

    @Test
    void refusesAMetricThatNobodyMeasures() {
        assertThatThrownBy(() ->
                        new Collected(
                                spec(
                                        TinyModel.lora(0),
                                        Map.of(
                                                "metric_for_best",
                                                "bleu",
                                                "load_best_at_end",
                                                true))))
                .isInstanceOf(SpecRefusedException.class)
                .hasMessageContaining("evaluations have no bleu; they have loss, accuracy");
    }
}
