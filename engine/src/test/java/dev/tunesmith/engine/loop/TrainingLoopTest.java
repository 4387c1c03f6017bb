package dev.tunesmith.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.Precision;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.engine.adapter.FrozenBase;
import dev.tunesmith.engine.loop.LoopObserver.Stop;
import dev.tunesmith.engine.quant.FourBitFormat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainingLoopTest {

    @TempDir Path folder;
    private TinyModel model;
    private int rooms;

    @BeforeEach
    void createModel() throws IOException {
        model = TinyModel.create(Files.createDirectory(folder.resolve("model")));
    }

    /// Different instruction sets round differently; a wrong variant is a thousand times further
    /// off.
    private static final double LOSS_TOLERANCE = 1e-4;

    @Test
    void firstTenLossesOfAnAdapter() throws IOException {
        assertLosses(
                run(spec(Method.SUPERVISED, TinyModel.lora(0)), new Recorder()),
                6.181741,
                6.187135,
                6.034054,
                5.884235,
                5.658596,
                5.479202,
                5.432500,
                5.349554,
                5.236300,
                5.195646);
    }

    @Test
    void firstTenLossesOfAnAdapterBesideNf4Weights() throws IOException {
        assertLosses(
                run(spec(Method.SUPERVISED, TinyModel.qlora()), new Recorder()),
                6.133819,
                6.147876,
                5.996957,
                5.841248,
                5.599824,
                5.425581,
                5.373610,
                5.291349,
                5.155703,
                5.127860);
    }

    @Test
    void anAdapterSaysOnWhichCodesItWasTrained() throws IOException {
        Path result = Files.createDirectory(folder.resolve("result"));
        try (TrainingRun run = prepare(spec(Method.SUPERVISED, TinyModel.qlora()))) {
            run.writeResult(result, run.start());
        }
        assertThat(FrozenBase.read(result)).contains(FourBitFormat.qlora());
    }

    @Test
    void firstTenLossesOfFullTuning() throws IOException {
        assertLosses(
                run(spec(Method.SUPERVISED, TinyModel.FULL), new Recorder()),
                6.181741,
                6.187135,
                5.461311,
                5.020851,
                4.658265,
                4.315738,
                4.005565,
                3.851945,
                3.640594,
                3.578637);
    }

    @Test
    void firstTenLossesOfPretraining() throws IOException {
        assertLosses(
                run(spec(Method.PRETRAIN, TinyModel.FULL), new Recorder()),
                5.937368,
                5.908173,
                5.437621,
                4.916207,
                4.599399,
                4.322595,
                4.034042,
                3.727570,
                3.665201,
                3.494203);
    }

    private static void assertLosses(Recorder recorder, double... expected) {
        for (int i = 0; i < expected.length; i++) {
            assertThat(recorder.losses().get(i))
                    .as("loss of step %d; all: %s", i + 1, recorder.losses())
                    .isCloseTo(expected[i], within(LOSS_TOLERANCE));
        }
    }

    @Test
    void theResultDoesNotDependOnHowAStepIsCut() throws IOException {
        ResolvedSpec whole = micro(spec(Method.SUPERVISED, TinyModel.FULL), 6);
        List<Double> losses = run(whole, new Recorder()).losses();

        for (int rows : List.of(1, 2, 4)) {
            List<Double> cut = run(micro(whole, rows), new Recorder()).losses();
            for (int i = 0; i < losses.size(); i++) {
                assertThat(cut.get(i))
                        .as("step %d in parts of %d rows", i, rows)
                        .isCloseTo(losses.get(i), within(2e-4));
            }
        }
    }

    @Test
    void evaluatesBeforeAfterAndOnItsCadence() throws IOException {
        Recorder recorder = run(spec(Method.SUPERVISED, TinyModel.lora(0)), new Recorder());

        assertThat(recorder.evaluations).extracting("step").containsExactly(0, 3, 6, 9, 12);
        assertThat(recorder.evaluations.getLast().loss())
                .isLessThan(recorder.evaluations.getFirst().loss());
        assertThat(recorder.evaluations).allMatch(e -> e.accuracy() >= 0 && e.accuracy() <= 1);
    }

    @Test
    void savesOnItsCadenceButNotAtTheEnd() throws IOException {
        List<Integer> saved = new ArrayList<>();
        Recorder recorder = new Recorder(_ -> Stop.NO, state -> saved.add(state.step()));
        Recorder _ = run(spec(Method.SUPERVISED, TinyModel.lora(0)), recorder);

        assertThat(saved).containsExactly(4, 8);
    }

    @Test
    void aStopAtOnceSavesNothing() throws IOException {
        List<Integer> saved = new ArrayList<>();
        Recorder recorder =
                new Recorder(
                        step -> step >= 2 ? Stop.AT_ONCE : Stop.NO,
                        state -> saved.add(state.step()));
        Recorder _ = run(spec(Method.SUPERVISED, TinyModel.lora(0)), recorder);

        assertThat(recorder.steps).hasSize(2);
        assertThat(saved).isEmpty();
    }

    @Test
    void numbersThatFailEndTheRunAndLeaveTheParametersAlone() throws IOException {
        ResolvedSpec wild = rate(spec(Method.SUPERVISED, TinyModel.FULL), 1e30);
        try (TrainingRun run = prepare(wild)) {
            Outcome outcome = run.loop(run.start(), new Recorder()).run();

            assertThat(outcome).isInstanceOf(Outcome.Diverged.class);
        }
    }

    @Test
    void reportsWhatAnOperatorAsks() throws IOException {
        Recorder recorder = run(spec(Method.PRETRAIN, TinyModel.FULL), new Recorder());
        StepReport last = recorder.steps.getLast();

        assertThat(last.step()).isEqualTo(last.totalSteps());
        assertThat(last.secondsLeft()).isZero();
        assertThat(last.tokensPerSecond()).isPositive();
        assertThat(last.trainedTokens()).isPositive();
        assertThat(last.gradientNorm()).isPositive();
    }

    private Recorder run(ResolvedSpec spec, Recorder recorder) throws IOException {
        try (TrainingRun run = prepare(spec)) {
            Outcome _ = run.loop(run.start(), recorder).run();
        }
        return recorder;
    }

    private TrainingRun prepare(ResolvedSpec spec) throws IOException {
        Path room = Files.createDirectory(folder.resolve("room" + rooms++));
        return TrainingRun.prepare(spec, model.sources(spec.method()), room, TinyModel.BYTES);
    }

    private static ResolvedSpec spec(Method method, AdapterSpec adapter) {
        return TinyModel.spec(method, adapter, Precision.FP32);
    }

    private static ResolvedSpec micro(ResolvedSpec spec, int rows) {
        ResolvedSpec.Rows old = spec.rows();
        return with(
                spec,
                new ResolvedSpec.Rows(
                        old.maxSeqLen(),
                        old.packing(),
                        old.overflow(),
                        old.trainOnPrompt(),
                        old.validationShare(),
                        old.batchSize(),
                        rows),
                spec.optimizer());
    }

    private static ResolvedSpec rate(ResolvedSpec spec, double rate) {
        ResolvedSpec.Optimizer old = spec.optimizer();
        return with(
                spec,
                spec.rows(),
                new ResolvedSpec.Optimizer(
                        rate,
                        1,
                        old.curve(),
                        0,
                        0,
                        old.weightDecay(),
                        old.maxGradNorm(),
                        old.form()));
    }

    private static ResolvedSpec with(
            ResolvedSpec spec, ResolvedSpec.Rows rows, ResolvedSpec.Optimizer optimizer) {
        return new ResolvedSpec(
                spec.specVersion(),
                spec.kind(),
                spec.settings(),
                spec.model(),
                spec.adapter(),
                rows,
                spec.steps(),
                optimizer,
                spec.precision(),
                spec.recompute(),
                spec.seed(),
                spec.origins());
    }

    @Test
    void anEvaluationNeedsNoMoreMemoryThanTraining() throws IOException {
        List<Long> peaks = new ArrayList<>();
        try (TrainingRun run = prepare(spec(Method.SUPERVISED, TinyModel.lora(0)))) {
            var watcher =
                    new LoopObserver() {
                        @Override
                        public Stop stopAsked() {
                            return Stop.NO;
                        }

                        @Override
                        public void stepped(StepReport report) {
                            peaks.add(run.peakStepBytes());
                        }

                        @Override
                        public void evaluating(int step) {}

                        @Override
                        public void evaluated(Evaluation evaluation) {
                            peaks.add(run.peakStepBytes());
                        }

                        @Override
                        public void save(LoopState state) {}
                    };
            Outcome _ = run.loop(run.start(), watcher).run();
        }
        // The first is that of the evaluation before the first step.
        assertThat(peaks.get(0)).isPositive().isLessThan(peaks.get(1));
    }
}
