package dev.tunesmith.api.job;

import dev.tunesmith.api.tenant.Caller;
import dev.tunesmith.api.web.ApiException;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.job.JobState;
import dev.tunesmith.contracts.problem.ProblemCode;
import jakarta.inject.Singleton;

/// What a client wants of a job: written down here, made true by the scheduler.
///
/// Asking again for what was asked for already changes nothing and is no error. What can never
/// happen is a 400, because every SDK would retry a 409.
@Singleton
final class Intents {
    private static final String CANCEL = "CANCEL";
    private static final String PAUSE = "PAUSE";
    private static final String RUN = "RUN";

    private final Jobs jobs;

    Intents(Jobs jobs) {
        this.jobs = jobs;
    }

    Job find(Caller caller, String id) {
        return JobId.find(id)
                .flatMap(job -> jobs.find(caller.tenant(), caller.actor(), job))
                .orElseThrow(() -> ApiException.notFound(ProblemCode.NOT_FOUND, "job", id));
    }

    Job cancel(Caller caller, String id) {
        Job job = find(caller, id);
        if (job.standing().state() == JobState.CANCELLED) {
            return job;
        }
        stopIfTerminal(job, "cancelled");
        return want(caller, job, CANCEL);
    }

    Job pause(Caller caller, String id) {
        Job job = find(caller, id);
        stopIfTerminal(job, "paused");
        boolean tooLate =
                job.standing().state() == JobState.FINALIZING
                        || job.standing().state() == JobState.CANCELLING
                        || job.standing().desired().equals(CANCEL);
        if (tooLate) {
            throw ApiException.of(
                    ProblemCode.JOB_NOT_PAUSABLE,
                    "%s is about to end and cannot be paused".formatted(job.id()));
        }
        return want(caller, job, PAUSE);
    }

    Job resume(Caller caller, String id) {
        Job job = find(caller, id);
        stopIfTerminal(job, "resumed");
        if (job.standing().desired().equals(CANCEL)) {
            throw ApiException.of(
                    ProblemCode.JOB_TERMINAL,
                    "%s is being cancelled and cannot be resumed".formatted(job.id()));
        }
        return want(caller, job, RUN);
    }

    private Job want(Caller caller, Job job, String desired) {
        if (!job.standing().desired().equals(desired)) {
            jobs.want(caller.tenant(), caller.actor(), job.id(), desired);
        }
        return find(caller, job.id().wire());
    }

    private static void stopIfTerminal(Job job, String verb) {
        if (job.standing().state().terminal()) {
            throw ApiException.of(
                    ProblemCode.JOB_TERMINAL,
                    "%s has ended as %s and cannot be %s"
                            .formatted(job.id(), job.standing().state().wire(), verb));
        }
    }
}
