package dev.tunesmith.scheduler.queue;

import dev.tunesmith.contracts.event.Control.Work;
import dev.tunesmith.contracts.event.ExitCode;
import dev.tunesmith.contracts.event.Report;
import dev.tunesmith.contracts.id.Attempt;
import dev.tunesmith.contracts.id.Ids;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.job.ErrorClass;
import dev.tunesmith.contracts.job.ErrorCode;
import dev.tunesmith.contracts.job.JobSpec;
import dev.tunesmith.contracts.job.JobState;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.sql.Database;
import dev.tunesmith.scheduler.journal.Journal;
import dev.tunesmith.scheduler.journal.Journal.Level;
import dev.tunesmith.scheduler.lease.Leases;
import dev.tunesmith.scheduler.lease.RetryPlan;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/// The effect of each report on the job, inside one transaction. Every statement is guarded by
/// epoch and lease id, so the worst that a late, doubled or forged report can do is nothing.
record AttemptReports(Handle handle, Leases leases, Ids ids) {

    /// @param first false when this report was applied before: then only its answer is wanted
    Outcome apply(Report.OfAttempt report, Optional<Manifests.Check> check, boolean first) {
        Attempt attempt = report.attempt();
        return switch (report) {
            case Report.Claim claim -> claim(claim);
            case Report.Checkpoint checkpoint -> checkpoint(checkpoint, check.orElseThrow());
            case Report.Finalizing _ -> finalizing(attempt);
            case Report.Result result -> result(result, check.orElseThrow());
            case Report.Started _ -> first ? started(attempt) : new Outcome.Done();
            case Report.Paused _ -> first ? end(attempt, new Ending.Paused()) : new Outcome.Done();
            case Report.Cancelled _ ->
                    first ? end(attempt, new Ending.HandedBack("cancelled")) : new Outcome.Done();
            case Report.HandedBack(_, String reason) ->
                    first ? end(attempt, new Ending.HandedBack(reason)) : new Outcome.Done();
            case Report.Failed failed ->
                    first ? end(attempt, Ending.of(failed)) : new Outcome.Done();
            case Report.Damaged damaged -> first ? damaged(damaged) : new Outcome.Done();
            case Report.Exited exited -> first ? exited(exited) : new Outcome.Done();
        };
    }

    /// How an attempt ends without a result.
    private sealed interface Ending {
        record Paused() implements Ending {}

        record HandedBack(String reason) implements Ending {}

        record Failed(ErrorClass errorClass, ErrorCode code, String message, @Nullable String param)
                implements Ending {}

        /// The worker is gone and said nothing.
        record Lost(String reason) implements Ending {}

        static Ending of(Report.Failed failed) {
            return failed.errorClass() == ErrorClass.PREEMPTED
                    ? new HandedBack(failed.message())
                    : new Failed(
                            failed.errorClass(), failed.code(), failed.message(), failed.param());
        }
    }

    private Outcome claim(Report.Claim claim) {
        if (!leases.claim(claim.attempt(), claim.owner())) {
            return new Outcome.Refused("the attempt is taken, over, or was never dispatched");
        }
        Optional<Work> work = new Jobs(handle).work(claim.attempt().job());
        return work.isPresent()
                ? new Outcome.Granted(work.get())
                : new Outcome.Refused("the job has no verdict");
    }

    private Outcome started(Attempt attempt) {
        if (leases.start(attempt)) {
            journal().entered(attempt.job(), JobState.RUNNING, null);
            return new Outcome.Done();
        }
        return leases.holding(attempt).isPresent() ? new Outcome.Done() : new Outcome.Stale();
    }

    private Outcome checkpoint(Report.Checkpoint report, Manifests.Check check) {
        Attempt attempt = report.attempt();
        return switch (check) {
            case Manifests.Check.Bad(String reason) -> {
                journal().say(attempt.job(), Level.WARN, "Checkpoint refused: " + reason);
                yield new Outcome.Wrong(reason);
            }
            case Manifests.Check.Good good -> commit(report, good.verified());
        };
    }

    private Outcome commit(Report.Checkpoint report, Leases.Verified verified) {
        Attempt attempt = report.attempt();
        if (leases.checkpoint(attempt, report.step(), verified, Json.text(report.metrics()))) {
            int _ = leases.retire(attempt);
            journal().say(attempt.job(), Level.INFO, "Checkpoint created at step " + report.step());
            return new Outcome.Done();
        }
        if (leases.knowsCheckpoint(attempt, report.step(), verified.sha256())) {
            return new Outcome.Done();
        }
        return leases.holding(attempt)
                .<Outcome>map(state ->
                        new Outcome.Wrong(
                                "step %d is not newer than the committed one, or the job is %s"
                                        .formatted(report.step(), state)))
                .orElseGet(Outcome.Stale::new);
    }

    /// S3, S4: what the store has lost is never used again. The next attempt goes on from the
    /// checkpoint before, so this one is no loss; but a host that names none of ours is broken.
    private Outcome damaged(Report.Damaged report) {
        Attempt attempt = report.attempt();
        Optional<Long> step = leases.discard(attempt, report.manifest());
        if (step.isEmpty()) {
            return end(
                    attempt,
                    new Ending.Failed(
                            ErrorClass.INTERNAL, ErrorCode.INTERNAL_ERROR, report.reason(), null));
        }
        journal()
                .say(
                        attempt.job(),
                        Level.WARN,
                        "Checkpoint of step %d is damaged: %s"
                                .formatted(step.get(), report.reason()));
        return end(attempt, new Ending.HandedBack("going on from the checkpoint before it"));
    }

    private Outcome finalizing(Attempt attempt) {
        if (leases.finalizing(attempt)) {
            journal().entered(attempt.job(), JobState.FINALIZING, null);
            return new Outcome.Done();
        }
        return leases.holding(attempt)
                .<Outcome>map(state ->
                        state == JobState.FINALIZING ? new Outcome.Done() : new Outcome.Later())
                .orElseGet(Outcome.Stale::new);
    }

    private Outcome result(Report.Result report, Manifests.Check check) {
        Attempt attempt = report.attempt();
        return switch (check) {
            case Manifests.Check.Bad(String reason) -> {
                Outcome ended =
                        end(
                                attempt,
                                new Ending.Failed(
                                        ErrorClass.INFRA,
                                        ErrorCode.STORAGE_UNAVAILABLE,
                                        "the result could not be verified: " + reason,
                                        null));
                yield ended instanceof Outcome.Done ? new Outcome.Wrong(reason) : ended;
            }
            case Manifests.Check.Good good -> succeed(report, good);
        };
    }

    /// FINALIZING first, in case its own report was lost; then the end and the model in one breath.
    private Outcome succeed(Report.Result report, Manifests.Check.Good good) {
        Attempt attempt = report.attempt();
        JobId job = attempt.job();
        leases.finalizing(attempt);
        if (!leases.succeed(attempt, good.verified())) {
            if (leases.knowsResult(attempt, good.verified().sha256())) {
                return new Outcome.Done();
            }
            return leases.holding(attempt).isPresent() ? new Outcome.Later() : new Outcome.Stale();
        }
        Jobs jobs = new Jobs(handle);
        Work work = jobs.work(job).orElseThrow();
        JobSpec spec = jobs.spec(job).orElseThrow();
        String name =
                new Models(handle)
                        .add(
                                new Models.Trained(
                                        work.tenant(),
                                        job,
                                        kind(work.spec()),
                                        work.base(),
                                        spec.labels().suffix(),
                                        good.manifest().step(),
                                        work.spec()),
                                good.verified(),
                                report);
        new ResultFiles(handle, ids).add(work.tenant(), job, good.manifest());
        journal().say(job, Level.INFO, "New fine-tuned model created: " + name);
        journal().entered(job, JobState.SUCCEEDED, null);
        return new Outcome.Done();
    }

    private static String kind(ResolvedSpec spec) {
        boolean whole = spec.adapter().kind().weights() || spec.adapter().merges();
        return whole ? "merged" : "adapter";
    }

    private Outcome exited(Report.Exited report) {
        String text = "the training process ended with code " + report.exitCode();
        ErrorClass errorClass = ExitCode.classOf(report.exitCode()).orElse(ErrorClass.INFRA);
        return end(
                report.attempt(),
                switch (errorClass) {
                    case PREEMPTED -> new Ending.HandedBack(text);
                    case INFRA -> new Ending.Lost(text);
                    case USER -> new Ending.Failed(errorClass, ErrorCode.INVALID_SPEC, text, null);
                    case RESOURCE ->
                            new Ending.Failed(errorClass, ErrorCode.OUT_OF_MEMORY, text, null);
                    case NUMERIC -> new Ending.Failed(errorClass, ErrorCode.DIVERGED, text, null);
                    case TRANSIENT, POISON, INTERNAL ->
                            new Ending.Failed(errorClass, ErrorCode.INTERNAL_ERROR, text, null);
                });
    }

    /// However an attempt ends: a job that is being cancelled is cancelled by it.
    private Outcome end(Attempt attempt, Ending ending) {
        Optional<JobState> state = leases.holding(attempt);
        if (state.isEmpty()) {
            return new Outcome.Stale();
        }
        if (state.get() == JobState.CANCELLING) {
            if (leases.cancel(attempt)) {
                journal().entered(attempt.job(), JobState.CANCELLED, null);
            }
            return new Outcome.Done();
        }
        switch (ending) {
            case Ending.Paused _ -> pause(attempt);
            case Ending.HandedBack(String reason) -> handBack(attempt, reason);
            case Ending.Failed failed -> fail(attempt, failed);
            case Ending.Lost(String reason) -> lose(attempt, reason);
        }
        return new Outcome.Done();
    }

    /// A host may hear the wish to pause just before the user withdraws it; the attempt is over all
    /// the same, and its checkpoint is committed.
    private void pause(Attempt attempt) {
        exitClass(ErrorClass.PREEMPTED);
        if (leases.pause(attempt)) {
            journal().entered(attempt.job(), JobState.PAUSED, null);
        } else {
            handBack(attempt, "paused");
        }
    }

    private void handBack(Attempt attempt, String reason) {
        exitClass(ErrorClass.PREEMPTED);
        leases.handBack(attempt)
                .ifPresent(state -> journal().entered(attempt.job(), state, reason));
    }

    private void fail(Attempt attempt, Ending.Failed failed) {
        int earlier = leases.earlierOf(attempt.job(), failed.errorClass());
        exitClass(failed.errorClass());
        leases.fail(
                        attempt,
                        new Leases.Failure(
                                RetryPlan.mayRetry(failed.errorClass(), earlier),
                                failed.code().wire(),
                                failed.message(),
                                lastWord(failed.code()),
                                failed.param()))
                .ifPresent(
                        ended -> journal().entered(attempt.job(), ended.state(), failed.message()));
    }

    /// What the user can do when no further attempt follows, unless the message says it itself.
    private static String lastWord(ErrorCode code) {
        return code == ErrorCode.STORAGE_UNAVAILABLE
                ? ". Every attempt of this job ended so. Its committed checkpoints are kept and can"
                        + " be used; create the job again when the storage works"
                : "";
    }

    /// Proof of death; the statement counts the loss and recognises poison.
    private void lose(Attempt attempt, String reason) {
        exitClass(ErrorClass.INFRA);
        leases.reapDead(List.of(attempt))
                .forEach(ended -> journal().entered(ended.job(), ended.state(), reason));
    }

    private void exitClass(ErrorClass errorClass) {
        Database.setLocal(handle, "app.exit_class", errorClass.wire());
    }

    private Journal journal() {
        return new Journal(handle);
    }
}
