package dev.tunesmith.scheduler.system;

import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.job.JobSpec;
import dev.tunesmith.contracts.job.JobState;
import dev.tunesmith.scheduler.TestDatabase;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.BooleanSupplier;

/// Submits jobs for [StandInChild] and waits for what becomes of them.
record JobLife(TestDatabase db) {
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    /// A job of the test database.
    ///
    /// @param script one of the scripts of [StandInChild]
    JobId submit(long script) {
        JobSpec s = db.spec();
        return db.submit(
                new JobSpec(
                        s.specVersion(),
                        s.kind(),
                        s.method(),
                        s.model(),
                        s.trainingFile(),
                        null,
                        script,
                        s.hyperparameters(),
                        s.choice(),
                        s.training(),
                        s.labels(),
                        s.scheduling()));
    }

    static void await(String what, BooleanSupplier condition) throws InterruptedException {
        long until = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > until) {
                throw new AssertionError("waited " + PATIENCE + " for " + what);
            }
            Thread.sleep(50);
        }
    }

    void awaitState(JobId job, JobState... wanted) throws InterruptedException {
        Set<JobState> any = EnumSet.copyOf(List.of(wanted));
        long until = System.nanoTime() + PATIENCE.toNanos();
        while (!any.contains(db.state(job))) {
            if (System.nanoTime() > until) {
                throw new AssertionError(
                        "%s is %s and not one of %s after %s: %s"
                                .formatted(job, db.state(job), any, PATIENCE, db.messages(job)));
            }
            Thread.sleep(50);
        }
    }

    long rows(String table, JobId job) {
        return db.value(
                "SELECT count(*) FROM " + table + " WHERE job_id = '" + job.value() + "'",
                Long.class);
    }
}
