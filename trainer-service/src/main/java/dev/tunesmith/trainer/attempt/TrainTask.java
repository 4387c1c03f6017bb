package dev.tunesmith.trainer.attempt;

import dev.tunesmith.contracts.event.ChildCommand;
import dev.tunesmith.contracts.event.ChildReport;
import dev.tunesmith.contracts.event.Control;
import dev.tunesmith.contracts.event.ExitCode;
import dev.tunesmith.contracts.event.ModelSource;
import dev.tunesmith.contracts.event.StepMetrics;
import dev.tunesmith.contracts.job.Phase;
import dev.tunesmith.contracts.method.ModelRole;
import dev.tunesmith.contracts.template.ChatTemplate;
import dev.tunesmith.engine.adapter.MergedFolder;
import dev.tunesmith.engine.adapter.site.AdapterException;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.ModelFileException;
import dev.tunesmith.engine.loop.CheckpointException;
import dev.tunesmith.engine.loop.CheckpointFolder.Restored;
import dev.tunesmith.engine.loop.Incident;
import dev.tunesmith.engine.loop.LoopState;
import dev.tunesmith.engine.loop.MemoryRefusedException;
import dev.tunesmith.engine.loop.Outcome;
import dev.tunesmith.engine.loop.TrainingDataException;
import dev.tunesmith.engine.loop.TrainingRun;
import dev.tunesmith.engine.loop.TrainingRun.Sources.Companion;
import dev.tunesmith.engine.loop.subject.SpecRefusedException;
import dev.tunesmith.engine.model.UnsupportedModelException;
import dev.tunesmith.engine.rows.RowSource;
import dev.tunesmith.engine.tensor.Device;
import dev.tunesmith.platform.objects.ObjectStoreException;
import dev.tunesmith.trainer.attempt.Artifacts.Published;
import dev.tunesmith.trainer.attempt.ParentLink.Answer;
import dev.tunesmith.trainer.figure.ModelCard;
import dev.tunesmith.trainer.tracker.Trackers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// One attempt of a training job, from its inputs to the stored result or checkpoint.
final class TrainTask {

    private static final Logger LOG = LoggerFactory.getLogger(TrainTask.class);

    private final ChildCommand.Start start;
    private final Control.Work work;
    private final ParentLink parent;
    private final Storage storage;
    private final Room room;
    private final Trackers trackers;
    private final StepLog log = new StepLog();

    TrainTask(
            ChildCommand.Start start,
            ParentLink parent,
            Storage storage,
            Room room,
            Trackers trackers) {
        this.start = start;
        this.work = start.work();
        this.parent = parent;
        this.storage = storage;
        this.room = room;
        this.trackers = trackers;
    }

    /// Does all of it and returns the exit status of the process.
    int run() throws IOException, InterruptedException {
        parent.send(
                new ChildReport.Started(
                        ProcessHandle.current().pid(),
                        Device.current().describe(),
                        TrainingRun.environment()));
        enter(Phase.LOADING, 0, 0);
        TrainingRun.Sources sources = fetch();
        if (parent.stopAsked().isPresent()) {
            return stopped(resumeStep());
        }
        Control.Resume resume = work.resume();
        Optional<Path> checkpoint = Optional.empty();
        if (resume != null) {
            try {
                checkpoint =
                        Optional.of(storage.checkpoint(resume.manifest(), room.folder("resume")));
            } catch (ObjectStoreException e) {
                return damaged(resume, e);
            }
        }
        try (TrainingRun run = prepare(sources)) {
            LoopState state =
                    checkpoint.isPresent() ? restored(run, checkpoint.get()) : run.start();
            enter(Phase.TRAINING, state.step(), run.plan().totalSteps());
            return train(run, state);
        }
    }

    private TrainingRun.Sources fetch() throws IOException, InterruptedException {
        Path base = storage.model(work.base());
        Optional<RowSource> validation = Optional.ofNullable(work.validation()).map(storage::rows);
        List<RowSource> others = work.others().stream().map(storage::rows).toList();
        try {
            ModelDirectory directory = ModelDirectory.open(base);
            directory.openWeights().close();
            return new TrainingRun.Sources(
                    directory,
                    storage.rows(work.training()),
                    validation,
                    companions(),
                    storage.adapter(work.base()),
                    others);
        } catch (ModelFileException e) {
            throw AttemptFailure.baseModel(work.base().name(), e);
        }
    }

    private Map<ModelRole, Companion> companions() throws IOException, InterruptedException {
        Map<ModelRole, Companion> companions = new EnumMap<>(ModelRole.class);
        for (Map.Entry<ModelRole, Control.Companion> each : work.companions().entrySet()) {
            ModelSource adapter = each.getValue().adapter();
            Optional<Path> folder =
                    adapter == null ? Optional.empty() : Optional.of(storage.model(adapter));
            Path base = storage.model(each.getValue().base());
            companions.put(each.getKey(), new Companion(ModelDirectory.open(base), folder));
        }
        return companions;
    }

    private TrainingRun prepare(TrainingRun.Sources sources) throws IOException {
        try {
            TrainingRun run =
                    TrainingRun.prepare(
                            work.spec(),
                            sources,
                            room.folder("tokens"),
                            deviceBytes(),
                            storage.tokens(work.tenant()));
            run.notes().forEach(note -> parent.send(new ChildReport.Noted(resumeStep(), note)));
            return run;
        } catch (ModelFileException | UnsupportedModelException e) {
            throw AttemptFailure.baseModel(work.base().name(), e);
        } catch (SpecRefusedException e) {
            throw AttemptFailure.spec(String.valueOf(e.getMessage()), e);
        } catch (MemoryRefusedException e) {
            throw AttemptFailure.memory(String.valueOf(e.getMessage()), e);
        } catch (TrainingDataException e) {
            throw AttemptFailure.trainingData(String.valueOf(e.getMessage()), e);
        }
    }

    /// What this host may use, or what its device still has if that is less.
    private long deviceBytes() {
        return Math.min(
                start.deviceBytes(), Device.current().freeBytes().orElse(start.deviceBytes()));
    }

    /// A checkpoint that the store has lost or altered is the scheduler's to judge: it knows the
    /// one before.
    private int damaged(Control.Resume resume, ObjectStoreException e) {
        if (e.code() != ObjectStoreException.Code.CORRUPT
                && e.code() != ObjectStoreException.Code.NOT_FOUND) {
            throw e;
        }
        LOG.warn("checkpoint of step {} is damaged", resume.step(), e);
        parent.send(new ChildReport.Damaged(resume.manifest(), String.valueOf(e.getMessage())));
        return ExitCode.HANDED_BACK;
    }

    private LoopState restored(TrainingRun run, Path folder) throws IOException {
        try {
            Restored restored = run.restore(folder);
            log.restore(folder);
            LOG.info(
                    "goes on after step {}, {}",
                    restored.state().step(),
                    restored.exact() ? "bit-exact" : "to tolerance: another machine wrote it");
            return restored.state();
        } catch (CheckpointException | ModelFileException e) {
            throw AttemptFailure.internal(
                    "checkpoint of step %d cannot be continued: %s"
                            .formatted(resumeStep(), e.getMessage()));
        }
    }

    private int train(TrainingRun run, LoopState state) throws IOException, InterruptedException {
        Artifacts artifacts = storage.artifacts(start.attempt(), work, TrainingRun.environment());
        Path checkpoints = room.folder("checkpoints");
        try (CheckpointUploads uploads =
                        new CheckpointUploads(artifacts, parent, previousSha256());
                CheckpointWrites writes =
                        new CheckpointWrites(
                                run.copies(), () -> parent.stopAsked().isPresent(), uploads)) {
            RunObserver observer =
                    new RunObserver(
                            run,
                            parent,
                            writes,
                            checkpoints,
                            work.spec().steps().loggingSteps(),
                            log,
                            trackers);
            return switch (run.loop(state, observer).run()) {
                case Outcome.Finished(LoopState end) -> {
                    writes.drain(false);
                    long _ = uploads.drain();
                    yield finish(run, artifacts, end);
                }
                case Outcome.Stopped(LoopState end, boolean saved) -> {
                    writes.drain(saved);
                    if (saved) {
                        awaitCommit(uploads.drain());
                    }
                    uploads.failure()
                            .ifPresent(failure -> {
                                throw failure;
                            });
                    yield stopped(end.step());
                }
                case Outcome.Diverged(Incident incident) ->
                        throw AttemptFailure.diverged(
                                "%s; lower the learning rate, look at those rows, or ask for loss_guard skip"
                                        .formatted(incident.text()));
            };
        }
    }

    private int finish(TrainingRun run, Artifacts artifacts, LoopState end)
            throws IOException, InterruptedException {
        long number = parent.nextNumber();
        parent.send(new ChildReport.Finalizing(number, end.step()));
        if (!awaitCommit(number)) {
            return stopped(end.step());
        }
        Path folder = result(run, end);
        trackers.keep(folder, ModelCard.FILES);
        trackers.keep(folder, StepMetrics.FILES);
        enter(Phase.UPLOADING, end.step(), end.step());
        Published stored = artifacts.result(folder, end.step());
        number = parent.nextNumber();
        parent.send(
                new ChildReport.Result(
                        number,
                        stored.manifest(),
                        stored.bytes(),
                        end.trainedTokens(),
                        RunObserver.metrics(end.metrics())));
        return awaitCommit(number) ? ExitCode.FINISHED : stopped(end.step());
    }

    private Path result(TrainingRun run, LoopState end) throws IOException, InterruptedException {
        Path folder = room.folder("result");
        if (!work.spec().adapter().merges()) {
            run.writeResult(folder, end);
        } else {
            enter(Phase.MERGING, end.step(), end.step());
            Path adapter = room.folder("adapter");
            run.writeResult(adapter, end);
            merge(adapter, folder);
            Files.copy(adapter.resolve(StepMetrics.CSV), folder.resolve(StepMetrics.CSV));
        }
        log.write(folder);
        log.draw(folder);
        String template = run.chatTemplate().orElseGet(ChatTemplate.CHATML::source);
        new ModelCard(work, template, end.trainedTokens(), RunObserver.metrics(end.metrics()))
                .write(folder);
        return folder;
    }

    private void merge(Path adapter, Path folder) throws IOException, InterruptedException {
        try {
            MergedFolder.write(ModelDirectory.open(storage.model(work.base())), adapter, folder);
        } catch (AdapterException e) {
            throw AttemptFailure.internal("the adapter cannot be merged: " + e.getMessage());
        }
    }

    /// False if a stop came first.
    private boolean awaitCommit(long number) throws InterruptedException {
        Optional<Answer> answer = number == 0 ? Optional.empty() : parent.await(number);
        if (answer.isPresent() && answer.get() instanceof Answer.Rejected(String reason)) {
            throw AttemptFailure.internal("the scheduler refused a manifest: " + reason);
        }
        return answer.isPresent();
    }

    private int stopped(long step) {
        ChildCommand.Reason reason = parent.stopAsked().orElse(ChildCommand.Reason.DRAIN);
        parent.send(new ChildReport.Stopped(reason, step));
        return ExitCode.HANDED_BACK;
    }

    private long resumeStep() {
        return work.resume() == null ? 0 : work.resume().step();
    }

    private @Nullable String previousSha256() {
        return work.resume() == null ? null : work.resume().manifest().sha256();
    }

    private void enter(Phase phase, long step, long totalSteps) {
        parent.send(new ChildReport.Entered(phase, step, totalSteps));
    }
}
