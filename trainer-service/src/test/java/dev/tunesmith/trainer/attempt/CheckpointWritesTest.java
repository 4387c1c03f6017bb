package dev.tunesmith.trainer.attempt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.contracts.event.Control;
import dev.tunesmith.contracts.event.ManifestRef;
import dev.tunesmith.contracts.event.ModelSource;
import dev.tunesmith.contracts.event.ObjectRef;
import dev.tunesmith.contracts.job.ErrorCode;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.loop.CheckpointFolder;
import dev.tunesmith.engine.loop.Evaluation;
import dev.tunesmith.engine.loop.LoopObserver;
import dev.tunesmith.engine.loop.LoopState;
import dev.tunesmith.engine.loop.Outcome;
import dev.tunesmith.engine.loop.StepReport;
import dev.tunesmith.engine.loop.TrainingRun;
import dev.tunesmith.trainer.tracker.TrackerSettings;
import dev.tunesmith.trainer.tracker.Trackers;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Checkpoints are written beside the training, which hears of it when that fails.
class CheckpointWritesTest {

    private static final int STEPS = 12;
    private static final int SAVE_EVERY = 4;
    private static final long PATIENCE_SECONDS = 60;

    @TempDir Path folder;
    private TrainingRun.Sources sources;
    private int rooms;
    private boolean stopping;
    private @Nullable CheckpointWrites current;

    @BeforeEach
    void storeInputs() throws IOException {
        Path rows = Files.writeString(folder.resolve("rows.jsonl"), TinyJob.rows());
        ModelDirectory base = ModelDirectory.open(TinyJob.model(folder));
        sources = new TrainingRun.Sources(base, rows, Optional.empty());
    }

    /// What takes folders, as the test says.
    private record Taking(Body body) implements CheckpointWrites.Sink {
        interface Body {
            void take(Path folder, long step) throws IOException;
        }

        @Override
        public void add(Path folder, long step, Map<String, Double> metrics) throws IOException {
            body.take(folder, step);
        }

        @Override
        public Optional<AttemptFailure> failure() {
            return Optional.empty();
        }
    }

    private static Control.Work work() {
        var job =
                new TinyJob(
                        new ModelSource("tiny", new ManifestRef("manifest", "00")),
                        new ObjectRef("rows", 1, "00"));
        return job.start(TinyJob.spec(STEPS, SAVE_EVERY), 1, null).work();
    }

    /// Until the writer has said what is wrong.
    private void awaitFailure() {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (Objects.requireNonNull(current).failure().isEmpty() && System.nanoTime() < end) {
            Thread.onSpinWait();
        }
    }

    /// Runs all steps; `stepped` hears of each.
    private Outcome run(Taking.Body body, IntConsumer stepped) throws Exception {
        Path room = Files.createDirectory(folder.resolve("room" + rooms++));
        Path checkpoints = Files.createDirectory(folder.resolve("checkpoints" + rooms));
        try (TrainingRun run =
                        TrainingRun.prepare(work().spec(), sources, room, TinyJob.DEVICE_BYTES);
                ParentLink parent =
                        new ParentLink(new PrintStream(OutputStream.nullOutputStream()), () -> 0);
                Trackers trackers = Trackers.start(work(), TrackerSettings.NONE);
                CheckpointWrites writes =
                        new CheckpointWrites(run.copies(), () -> stopping, new Taking(body))) {
            current = writes;
            var observer =
                    new RunObserver(run, parent, writes, checkpoints, 1, new StepLog(), trackers);
            Outcome outcome = run.loop(run.start(), new Listening(observer, stepped)).run();
            writes.drain(stopping);
            return outcome;
        }
    }

    /// Passes everything on, and tells of steps.
    private record Listening(LoopObserver inner, IntConsumer heard) implements LoopObserver {
        @Override
        public Stop stopAsked() {
            return inner.stopAsked();
        }

        @Override
        public void stepped(StepReport report) {
            inner.stepped(report);
            heard.accept(report.step());
        }

        @Override
        public void evaluating(int step) {
            inner.evaluating(step);
        }

        @Override
        public void evaluated(Evaluation evaluation) {
            inner.evaluated(evaluation);
        }

        @Override
        public void save(LoopState state) {
            inner.save(state);
        }
    }

    private static void pass(CountDownLatch gate) {
        try {
            assertThat(gate.await(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void trainingGoesOnWhileTheWriterIsBlocked() throws Exception {
        var gate = new CountDownLatch(1);
        List<String> events = new ArrayList<>();
        Outcome outcome =
                run(
                        (_, step) -> {
                            if (step == SAVE_EVERY) {
                                pass(gate);
                            }
                            synchronized (events) {
                                events.add("saved " + step);
                            }
                        },
                        step -> {
                            synchronized (events) {
                                events.add("step " + step);
                            }
                            if (step == SAVE_EVERY + 3) {
                                gate.countDown();
                            }
                        });
        assertThat(outcome).isInstanceOf(Outcome.Finished.class);
        assertThat(events.indexOf("saved 4")).isGreaterThan(events.indexOf("step 7"));
        // At most one is under way.
        assertThat(events.indexOf("saved 4")).isLessThan(events.indexOf("step 9"));
        assertThat(events).contains("saved 8");
    }

    /// The copies are those of the step at which they were taken, whatever has become of the
    /// weights since.
    @Test
    void whatIsWrittenLaterIsTheStateOfItsStep() throws Exception {
        Path late = Files.createDirectory(folder.resolve("late"));
        Path early = Files.createDirectory(folder.resolve("early"));
        var gate = new CountDownLatch(1);
        Outcome _ = run((saved, step) -> keep(saved, early, step), _ -> {});
        Outcome _ =
                run(
                        (saved, step) -> {
                            pass(gate);
                            keep(saved, late, step);
                        },
                        step -> {
                            if (step == SAVE_EVERY + 2) {
                                gate.countDown();
                            }
                        });
        for (String file : List.of("adapter_model.safetensors", CheckpointFolder.TENSORS)) {
            assertThat(Files.mismatch(early.resolve(file), late.resolve(file))).isEqualTo(-1);
        }
    }

    private static void keep(Path saved, Path to, long step) throws IOException {
        if (step == SAVE_EVERY) {
            for (String file : List.of("adapter_model.safetensors", CheckpointFolder.TENSORS)) {
                Files.copy(saved.resolve(file), to.resolve(file));
            }
        }
    }

    @Test
    void aWriterThatFailsEndsTheRunWithTheReason() {
        List<Integer> steps = new ArrayList<>();
        assertThatThrownBy(() ->
                        run(
                                (_, _) -> {
                                    throw new IllegalStateException("the shelf is gone");
                                },
                                step -> {
                                    steps.add(step);
                                    if (step == SAVE_EVERY + 1) {
                                        awaitFailure();
                                    }
                                }))
                .isInstanceOfSatisfying(
                        AttemptFailure.class,
                        e -> {
                            assertThat(e.report().code()).isEqualTo(ErrorCode.INTERNAL_ERROR);
                            assertThat(e).hasMessageContaining("checkpoint of step 4");
                            assertThat(e).hasMessageContaining("the shelf is gone");
                        });
        assertThat(steps.getLast()).isLessThanOrEqualTo(SAVE_EVERY + 1);
    }

    @Test
    void aFullDiskCostsTheCheckpointAndNotTheRun() throws Exception {
        List<Long> kept = new ArrayList<>();
        Outcome outcome =
                run(
                        (saved, step) -> {
                            if (step == SAVE_EVERY) {
                                throw new IOException("No space left on device");
                            }
                            kept.add(step);
                        },
                        _ -> {});
        assertThat(outcome).isInstanceOf(Outcome.Finished.class);
        assertThat(kept).containsExactly(2L * SAVE_EVERY);
    }

    @Test
    void aStopNeedsItsCheckpoint() {
        stopping = true;
        assertThatThrownBy(() ->
                        run(
                                (_, _) -> {
                                    throw new IOException("No space left on device");
                                },
                                _ -> {}))
                .isInstanceOfSatisfying(
                        AttemptFailure.class,
                        e ->
                                assertThat(e.report().code())
                                        .isEqualTo(ErrorCode.STORAGE_UNAVAILABLE));
    }
}
