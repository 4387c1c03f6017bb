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
                run(withAllRows(spec(Method.SUPERVISED, TinyModel.lora(0))), new Recorder()),
                6.182670,
                6.184772,
                6.068057,
                5.838291,
                5.659981,
                5.512720,
                5.423220,
                5.331297,
                5.214674,
                5.224910);
    }

    @Test
    void firstTenLossesOfAnAdapterBesideNf4Weights() throws IOException {
        assertLosses(
                run(withAllRows(spec(Method.SUPERVISED, TinyModel.qlora())), new Recorder()),
                6.135337,
                6.137739,
                6.013935,
                5.810769,
                5.610394,
                5.471765,
                5.363376,
                5.268585,
                5.161303,
                5.161328);
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
                run(withAllRows(spec(Method.SUPERVISED, TinyModel.FULL)), new Recorder()),
                6.182670,
                6.184772,
                5.520988,
                5.032379,
                4.690925,
                4.302178,
                4.151910,
                3.876878,
                3.732933,
                3.550576);
    }

    @Test
    void firstTenLossesOfPretraining() throws IOException {
        assertLosses(
                run(withAllRows(spec(Method.PRETRAIN, TinyModel.FULL)), new Recorder()),
                5.952257,
                5.985229,
                5.505383,
                5.115787,
                4.799701,
                4.443522,
                4.250693,
                4.015913,
                3.864795,
                3.836228);
    }

    /// None is held out, so that the losses do not depend on how rows are divided.
    private static ResolvedSpec withAllRows(ResolvedSpec spec) {
        return TinyModel.holdingOut(spec, 0);
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
        ResolvedSpec whole = TinyModel.inParts(spec(Method.SUPERVISED, TinyModel.FULL), 6);
        List<Double> losses = run(whole, new Recorder()).losses();

        for (int rows : List.of(1, 2, 4)) {
            List<Double> cut = run(TinyModel.inParts(whole, rows), new Recorder()).losses();
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

    private static ResolvedSpec rate(ResolvedSpec spec, double rate) {
        ResolvedSpec.Optimizer old = spec.optimizer();
        return spec.with(
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
