package dev.tunesmith.trainer;

import dev.tunesmith.contracts.event.Beat;
import dev.tunesmith.contracts.event.ChildCommand;
import dev.tunesmith.contracts.event.ChildReport;
import dev.tunesmith.contracts.event.Control;
import dev.tunesmith.contracts.event.ManifestRef;
import dev.tunesmith.contracts.event.Report;
import dev.tunesmith.contracts.event.Telemetry;
import dev.tunesmith.contracts.event.Topics;
import dev.tunesmith.contracts.id.Attempt;
import dev.tunesmith.contracts.job.ErrorClass;
import dev.tunesmith.contracts.job.ErrorCode;
import dev.tunesmith.contracts.job.Phase;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.json.JsonException;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// One attempt on this host: relays what the child says, passes on what the scheduler wants, and
/// tells how it ended. Every method may be called from any thread.
final class Run implements ChildProcess.Listener {
    private static final Logger log = LoggerFactory.getLogger(Run.class);

    /// Small models make many steps a second; the result file has all of them.
    private static final Duration TELEMETRY_EVERY = Duration.ofMillis(200);

    private final Attempt attempt;
    private final Control.Work work;
    private final Outgoing outgoing;
    private final JobLog jobLog;
    private final TrainerSettings settings;
    private final Runnable changed;

    private final Map<UUID, Long> waiting = new HashMap<>();
    private @Nullable ChildProcess child;
    private ChildReport.@Nullable Stepped lastStep;
    private Phase phase = Phase.STARTING;
    private long step;
    private long totalSteps;
    private long peakBytes;
    private long telemetrySeq;
    private long telemetryAt = System.nanoTime() - TELEMETRY_EVERY.toNanos();
    private long heardAt = System.nanoTime();
    private long confirmedAt = System.nanoTime();
    private boolean ended;
    private boolean outcomeSaid;
    private @Nullable UUID result;
    private boolean concluded;
    private ChildCommand.@Nullable Reason stopReason;
    private long stopBy = Long.MAX_VALUE;
    private boolean terminated;

    /// @param changed runs when the child is gone: there is a free slot to announce
    Run(
            Attempt attempt,
            Control.Work work,
            Outgoing outgoing,
            JobLog jobLog,
            TrainerSettings settings,
            Runnable changed) {
        this.attempt = attempt;
        this.work = work;
        this.outgoing = outgoing;
        this.jobLog = jobLog;
        this.settings = settings;
        this.changed = changed;
    }

    Attempt attempt() {
        return attempt;
    }

    JobLog jobLog() {
        return jobLog;
    }

    String logPrefix() {
        return work.prefix() + "log/" + attempt.suffix() + "/";
    }

    /// Gives the run its child and the child its work.
    synchronized void begin(ChildProcess started) {
        child = started;
        started.send(
                Json.text(new ChildCommand.Start(attempt, work, settings.device().memoryBytes())));
        if (stopReason != null) {
            started.send(Json.text(new ChildCommand.Stop(stopReason)));
        }
    }

    /// The child could not even be started.
    synchronized void failedToStart(IOException cause) {
        ended = true;
        boolean disk = cause instanceof FileSystemException;
        String reason =
                cause instanceof FileSystemException file && file.getReason() != null
                        ? "the local disk of its host says " + file.getReason()
                        : cause.getMessage();
        outcome(
                new Report.Failed(
                        attempt,
                        ErrorClass.INFRA,
                        disk ? ErrorCode.STORAGE_UNAVAILABLE : ErrorCode.INTERNAL_ERROR,
                        "the training process could not be started: " + reason,
                        null,
                        null));
    }

    synchronized boolean childAlive() {
        return !ended;
    }

    /// The child is gone and the scheduler knows how it ended.
    synchronized boolean finished() {
        return ended && outgoing.settled(attempt);
    }

    /// What the beat says; empty for a child that has been mute too long, whose lease then runs
    /// out, and for a job that is done.
    synchronized Optional<Beat.Running> view() {
        if (concluded) {
            return Optional.empty();
        }
        if (!ended && sinceHeard().compareTo(settings.periods().mute()) >= 0) {
            return Optional.empty();
        }
        double stepMillis = lastStep == null ? 0 : lastStep.stepMillis();
        return Optional.of(
                new Beat.Running(attempt, phase, step, totalSteps, stepMillis, peakBytes));
    }

    // ---- what the child says

    @Override
    public void line(String line) {
        try {
            hear(Json.read(line, ChildReport.class));
        } catch (JsonException e) {
            jobLog.add("(not a report) " + line);
        }
    }

    @Override
    public void log(String line) {
        jobLog.add(line);
    }

    private synchronized void hear(ChildReport report) {
        heardAt = System.nanoTime();
        switch (report) {
            case ChildReport.Alive(long peak) -> peakBytes = Math.max(peakBytes, peak);
            case ChildReport.Started started -> {
                UUID _ =
                        outgoing.report(
                                new Report.Started(
                                        attempt,
                                        started.pid(),
                                        started.device(),
                                        started.versions()));
            }
            case ChildReport.Entered entered -> enter(entered);
            case ChildReport.Stepped stepped -> relay(stepped);
            case ChildReport.Noted(long _, String text) -> telemetry(Map.of(), text);
            case ChildReport.Checkpoint c -> {
                UUID _ =
                        expect(
                                c.n(),
                                new Report.Checkpoint(
                                        attempt, c.step(), c.manifest(), c.bytes(), c.metrics()));
            }
            case ChildReport.Damaged(ManifestRef manifest, String reason) ->
                    outcome(new Report.Damaged(attempt, manifest, reason));
            case ChildReport.Finalizing f -> {
                UUID _ = expect(f.n(), new Report.Finalizing(attempt, f.step()));
            }
            case ChildReport.Result r -> {
                outcomeSaid = true;
                result =
                        expect(
                                r.n(),
                                new Report.Result(
                                        attempt,
                                        r.manifest(),
                                        r.bytes(),
                                        r.trainedTokens(),
                                        r.metrics()));
            }
            case ChildReport.Failed f ->
                    outcome(
                            new Report.Failed(
                                    attempt,
                                    f.errorClass(),
                                    f.code(),
                                    f.message(),
                                    f.param(),
                                    logPrefix() + LogShelf.NAME));
            case ChildReport.Stopped(ChildCommand.Reason reason, long at) -> {
                step = Math.max(step, at);
                stopped(reason);
            }
            case ChildReport.Validated _ ->
                    log.warn("{}: a training child reported a validation", attempt);
            case ChildReport.Prepared _ ->
                    log.warn("{}: a training child reported a data task", attempt);
        }
    }

    private void enter(ChildReport.Entered entered) {
        phase = entered.phase();
        step = Math.max(step, entered.step());
        totalSteps = entered.totalSteps() > 0 ? entered.totalSteps() : totalSteps;
        telemetry(Map.of());
    }

    private void relay(ChildReport.Stepped stepped) {
        lastStep = stepped;
        step = stepped.step();
        totalSteps = stepped.totalSteps();
        long now = System.nanoTime();
        boolean important =
                stepped.metrics().containsKey("valid_loss") || step == totalSteps || step == 1;
        if (important || now - telemetryAt >= TELEMETRY_EVERY.toNanos()) {
            telemetryAt = now;
            telemetry(stepped.metrics());
        }
    }

    /// Outside the own prefix nothing leaves a host whose lease may be gone.
    private void telemetry(Map<String, Double> metrics) {
        telemetry(metrics, null);
    }

    private void telemetry(Map<String, Double> metrics, @Nullable String note) {
        if (standing() instanceof LeaseStanding.Good) {
            outgoing.offer(
                    Topics.TELEMETRY,
                    attempt.job().wire(),
                    new Telemetry(
                            work.tenant(),
                            attempt,
                            ++telemetrySeq,
                            phase,
                            step,
                            totalSteps,
                            lastStep == null ? 0 : lastStep.epoch(),
                            metrics,
                            note));
        }
    }

    private UUID expect(long n, Report.OfAttempt report) {
        UUID id = outgoing.report(report);
        waiting.put(id, n);
        return id;
    }

    private void outcome(Report.OfAttempt report) {
        outcomeSaid = true;
        UUID _ = outgoing.report(report);
    }

    /// A cancel is acknowledged when the child is gone, not before.
    private void stopped(ChildCommand.Reason reason) {
        switch (reason) {
            case PAUSE -> outcome(new Report.Paused(attempt));
            case PREEMPT, DRAIN -> outcome(new Report.HandedBack(attempt, reason.wire()));
            case CANCEL, FENCED -> {}
        }
    }

    @Override
    public void ended(int exitCode) {
        synchronized (this) {
            ended = true;
            log.info("{} ended with code {}", attempt, exitCode);
            if (stopReason == ChildCommand.Reason.FENCED) {
                outgoing.forget(attempt);
            } else if (stopReason == ChildCommand.Reason.CANCEL) {
                outcome(new Report.Cancelled(attempt));
            } else if (!outcomeSaid && stopReason != null) {
                outcome(
                        new Report.HandedBack(
                                attempt, stopReason.wire() + ", without a checkpoint"));
            } else if (!outcomeSaid && child != null) {
                explain(child.exitFacts(exitCode, settings.device().hostBytes()));
            }
        }
        changed.run();
    }

    private void explain(ExitVerdict.Facts facts) {
        switch (ExitVerdict.of(facts)) {
            case ExitVerdict.HandedBack _ ->
                    outcome(new Report.HandedBack(attempt, "exit code 75"));
            case ExitVerdict.Failed(ErrorClass errorClass, ErrorCode code, String message) ->
                    outcome(
                            new Report.Failed(
                                    attempt,
                                    errorClass,
                                    code,
                                    message,
                                    null,
                                    logPrefix() + LogShelf.NAME));
            case ExitVerdict.Died _ ->
                    outcome(
                            new Report.Exited(
                                    attempt,
                                    facts.exitCode(),
                                    facts.exitCode() > 128 ? facts.exitCode() - 128 : null));
        }
    }

    // ---- what the scheduler says

    synchronized void committed(UUID report) {
        outgoing.answered(report);
        concluded |= report.equals(result);
        Long n = waiting.remove(report);
        if (n != null && child != null) {
            child.send(Json.text(new ChildCommand.Committed(n)));
        }
    }

    synchronized void rejected(UUID report, String reason) {
        outgoing.answered(report);
        Long n = waiting.remove(report);
        if (n != null && child != null) {
            child.send(Json.text(new ChildCommand.Rejected(n, reason)));
        }
    }

    /// The lease stands: a beat that was sent at `sentAt` was answered.
    synchronized void confirmed(long sentAt) {
        confirmedAt = Math.max(confirmedAt, sentAt);
    }

    /// The lease is gone: nothing of this attempt counts any more.
    synchronized void fenced() {
        outgoing.forget(attempt);
        waiting.clear();
        stop(ChildCommand.Reason.FENCED);
    }

    /// Asks the child to stop within the usual time.
    void stop(ChildCommand.Reason reason) {
        stop(reason, settings.periods().stop());
    }

    /// Asks the child to stop. A stronger reason replaces a weaker one, a repeat changes nothing.
    synchronized void stop(ChildCommand.Reason reason, Duration within) {
        if (ended
                || reason == stopReason
                || (stopReason != null && !stopReason.saves() && reason.saves())) {
            return;
        }
        log.info("{}: stop asked, {}", attempt, reason);
        stopReason = reason;
        stopBy = System.nanoTime() + within.toNanos();
        if (child != null) {
            child.send(Json.text(new ChildCommand.Stop(reason)));
        }
    }

    // ---- time

    /// Once a second: watches over obedience, memory and the lease.
    synchronized void tick() {
        if (ended || child == null) {
            return;
        }
        peakBytes = Math.max(peakBytes, child.samplePeakBytes());
        Duration hopeless = settings.periods().mute().plus(settings.periods().lease());
        if (sinceHeard().compareTo(hopeless) >= 0) {
            log.warn("{} was mute for {}, its lease is gone; killed", attempt, hopeless);
            child.kill();
            return;
        }
        if (standing() instanceof LeaseStanding.Orphaned && stopReason == null) {
            stop(ChildCommand.Reason.DRAIN);
        }
        long late = System.nanoTime() - stopBy;
        if (stopReason != null && late >= 0) {
            enforce(child, Duration.ofNanos(late));
        }
    }

    private void enforce(ChildProcess disobedient, Duration late) {
        if (late.compareTo(settings.periods().kill()) >= 0) {
            log.warn("{} does not stop, killed", attempt);
            disobedient.kill();
        } else if (!terminated) {
            terminated = true;
            disobedient.terminate();
        }
    }

    private LeaseStanding standing() {
        TrainerSettings.Periods periods = settings.periods();
        return LeaseStanding.of(
                Duration.ofNanos(System.nanoTime() - confirmedAt),
                periods.lease(),
                periods.leaseMargin(),
                periods.orphan());
    }

    private Duration sinceHeard() {
        return Duration.ofNanos(System.nanoTime() - heardAt);
    }
}
