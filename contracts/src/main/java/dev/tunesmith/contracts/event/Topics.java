package dev.tunesmith.contracts.event;

import java.util.List;

/// Names of the Kafka topics. The key of each is named in its description.
public final class Topics {
    /// State changes of jobs, from the outbox; key: job.
    public static final String JOBS = "ts.jobs.v1";

    /// What trainer hosts report; key: job, or task for validations.
    public static final String REPORTS = "ts.reports.v1";

    /// Heartbeats of trainer hosts; key: host.
    public static final String BEATS = "ts.beats.v1";

    /// Instructions to trainer hosts; key: host.
    public static final String CONTROL = "ts.control.v1";

    /// Validation tasks, read by a share group; key: task.
    public static final String VALIDATE = "ts.work.validate.v1";

    /// Metrics of running jobs, loss tolerated; key: job.
    public static final String TELEMETRY = "ts.telemetry.v1";

    /// Billable use; key: tenant.
    public static final String USAGE = "ts.usage.v1";

    /// Everything that is not bound to a flavour.
    public static final List<String> FIXED =
            List.of(JOBS, REPORTS, BEATS, CONTROL, VALIDATE, TELEMETRY, USAGE);

    private Topics() {}

    /// Invitations for hosts of one flavour, read by the share group [#trainers]; key:
    /// `<job>-<epoch>`.
    public static String dispatch(String flavor) {
        return "ts.dispatch." + flavor + ".v1";
    }

    /// The share group of the hosts of one flavour.
    public static String trainers(String flavor) {
        return "trainers." + flavor;
    }

    /// Where a message goes that nobody can handle.
    public static String deadLetters(String source) {
        return "ts.dlq." + source;
    }
}
