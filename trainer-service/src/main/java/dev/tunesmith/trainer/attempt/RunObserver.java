package dev.tunesmith.trainer.attempt;

import dev.tunesmith.contracts.care.Care;
import dev.tunesmith.contracts.event.ChildCommand;
import dev.tunesmith.contracts.event.ChildReport;
import dev.tunesmith.contracts.event.Telemetry;
import dev.tunesmith.contracts.job.Phase;
import dev.tunesmith.engine.io.FileCopies;
import dev.tunesmith.engine.loop.Evaluation;
import dev.tunesmith.engine.loop.Incident;
import dev.tunesmith.engine.loop.LoopObserver;
import dev.tunesmith.engine.loop.LoopState;
import dev.tunesmith.engine.loop.MetricsTable;
import dev.tunesmith.engine.loop.StepReport;
import dev.tunesmith.engine.loop.TrainingRun;
import dev.tunesmith.trainer.tracker.Trackers;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Turns what the loop says into lines for the parent, and its checkpoints into uploads.
final class RunObserver implements LoopObserver {

    private static final Logger LOG = LoggerFactory.getLogger(RunObserver.class);

    /// What a checkpoint is thought to take before there was one.
    private static final double SECONDS_A_FOLDER = 0.005;

    private static final double BYTES_A_SECOND = 150e6;

    private final TrainingRun run;
    private final ParentLink parent;
    private final CheckpointWrites writes;
    private final Path room;
    private final int reportEvery;
    private final StepLog log;
    private final Trackers trackers;
    private long lastStepNanos;

    /// @param room empty local folder for checkpoints that wait for their upload
    /// @param reportEvery steps between two reports
    /// @param log what was measured so far
    /// @param trackers who else is told
    RunObserver(
            TrainingRun run,
            ParentLink parent,
            CheckpointWrites writes,
            Path room,
            int reportEvery,
            StepLog log,
            Trackers trackers) {
        this.run = run;
        this.parent = parent;
        this.writes = writes;
        this.room = room;
        this.reportEvery = Math.max(1, reportEvery);
        this.log = log;
        this.trackers = trackers;
        this.lastStepNanos = System.nanoTime();
    }

    @Override
    public Stop stopAsked() {
        if (writes.failure().isPresent()) {
            return Stop.AT_ONCE;
        }
        return parent.stopAsked()
                .map(reason -> reason.saves() ? Stop.AFTER_SAVING : Stop.AT_ONCE)
                .orElse(Stop.NO);
    }

    @Override
    public void stepped(StepReport report) {
        long now = System.nanoTime();
        double millis = (now - lastStepNanos) / 1e6;
        lastStepNanos = now;
        log.add(report);
        boolean last = report.step() == report.totalSteps();
        if (report.step() % reportEvery != 0 && report.step() != 1 && !last) {
            return;
        }
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put("train_loss", report.loss());
        metrics.put("train_mean_token_accuracy", report.accuracy());
        metrics.put("learning_rate", report.learningRate());
        metrics.put("grad_norm", report.gradientNorm());
        metrics.put("tokens_per_s", report.tokensPerSecond());
        metrics.put("trained_tokens", (double) report.trainedTokens());
        metrics.put(Telemetry.SECONDS_LEFT, report.secondsLeft());
        metrics.putAll(report.metrics());
        trackers.add(report.step(), metrics);
        parent.send(
                new ChildReport.Stepped(
                        report.step(), report.totalSteps(), report.epoch(), millis, metrics));
    }

    @Override
    public void guarded(Incident incident) {
        LOG.warn("{}", incident.text());
        log.add(incident);
        Care.Policy policy = run.plan().care().guard().policy();
        String done =
                policy == Care.Policy.LOWER
                        ? "; the rate is lowered for %d steps"
                                .formatted(run.plan().care().guard().steps())
                        : "; the step was left out";
        parent.send(new ChildReport.Noted(incident.step(), incident.text() + done));
    }

    @Override
    public void evaluating(int step) {
        enter(Phase.EVALUATING, step);
    }

    @Override
    public void evaluated(Evaluation evaluation) {
        int step = evaluation.step();
        log.add(evaluation);
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put("valid_loss", evaluation.loss());
        metrics.put("valid_mean_token_accuracy", evaluation.accuracy());
        evaluation.metrics().forEach((name, value) -> metrics.put("valid_" + name, value));
        trackers.add(step, metrics);
        parent.send(
                new ChildReport.Stepped(
                        step,
                        run.plan().totalSteps(),
                        (double) step / run.plan().order().stepsPerEpoch(),
                        0,
                        metrics));
        enter(Phase.TRAINING, step);
        lastStepNanos = System.nanoTime();
    }

    @Override
    public double savingSeconds() {
        return writes.seconds()
                .orElseGet(() -> SECONDS_A_FOLDER + run.checkpointBytes() / BYTES_A_SECOND);
    }

    @Override
    public void save(LoopState state) {
        enter(phaseOfSaving(), state.step());
        try {
            FileCopies copies = writes.copies();
            Path folder = Files.createTempDirectory(room, "step-");
            try {
                run.writeCheckpoint(folder, state, copies);
                log.write(folder);
                writes.begin(folder, state.step(), figures(state));
            } catch (IOException e) {
                writes.skip(folder, state.step(), e);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("writing the checkpoint of step " + state.step(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw AttemptFailure.internal("interrupted while a checkpoint was written");
        }
        enter(Phase.TRAINING, state.step());
    }

    /// The latest figures, with all of the latest evaluation: any of them may say which is best.
    private Map<String, Double> figures(LoopState state) {
        Map<String, Double> figures = new LinkedHashMap<>(log.evaluated());
        figures.putAll(metrics(state.metrics()));
        return figures;
    }

    /// The latest figures, under the names that jobs show.
    static Map<String, Double> metrics(MetricsTable table) {
        Map<String, Double> metrics = new LinkedHashMap<>();
        table.lastStep()
                .ifPresent(row -> {
                    putIfMeasured(metrics, "train_loss", row.trainLoss());
                    putIfMeasured(metrics, "train_mean_token_accuracy", row.trainAccuracy());
                });
        table.firstEvaluation()
                .ifPresent(row -> {
                    putIfMeasured(metrics, "valid_loss_before", row.validLoss());
                    putIfMeasured(metrics, "valid_mean_token_accuracy_before", row.validAccuracy());
                });
        table.lastEvaluation()
                .ifPresent(row -> {
                    putIfMeasured(metrics, "valid_loss", row.validLoss());
                    putIfMeasured(metrics, "valid_mean_token_accuracy", row.validAccuracy());
                });
        return metrics;
    }

    private static void putIfMeasured(
            Map<String, Double> metrics, String name, @Nullable Double value) {
        if (value != null) {
            metrics.put(name, value);
        }
    }

    private Phase phaseOfSaving() {
        return parent.stopAsked().map(RunObserver::phaseOf).orElse(Phase.CHECKPOINTING);
    }

    private static Phase phaseOf(ChildCommand.Reason reason) {
        return switch (reason) {
            case PAUSE -> Phase.PAUSING;
            case PREEMPT, DRAIN -> Phase.PREEMPTING;
            case CANCEL, FENCED -> Phase.CANCELLING;
        };
    }

    private void enter(Phase phase, long step) {
        parent.send(new ChildReport.Entered(phase, step, run.plan().totalSteps()));
    }
}
