package dev.tunesmith.scheduler.queue;

import dev.tunesmith.contracts.event.Control;
import dev.tunesmith.contracts.event.Envelope;
import dev.tunesmith.contracts.event.Manifest;
import dev.tunesmith.contracts.event.ManifestRef;
import dev.tunesmith.contracts.event.Report;
import dev.tunesmith.contracts.id.Ids;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.platform.objects.ObjectStoreException;
import dev.tunesmith.platform.sql.Database;
import dev.tunesmith.platform.sql.Inbox;
import dev.tunesmith.scheduler.lease.LeaseTimes;
import dev.tunesmith.scheduler.lease.Leases;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Takes every report of the trainer hosts: one transaction with inbox row, effect and answer.
///
/// A report comes again until its host has the answer. A repeat has no second effect; its answer is
/// computed anew from the row, because the first one may be lost.
public final class ReportDesk {
    static final String ACTOR = "scheduler/reports";
    static final String CONSUMER = "scheduler.reports";

    private static final Logger log = LoggerFactory.getLogger(ReportDesk.class);

    private final Database database;
    private final LeaseTimes times;
    private final Manifests manifests;
    private final Validations validations;
    private final DataTasks dataTasks;
    private final Clock clock;
    private final Ids ids;

    public ReportDesk(
            Database database,
            LeaseTimes times,
            Manifests manifests,
            Validations validations,
            DataTasks dataTasks,
            Clock clock) {
        this.database = database;
        this.times = times;
        this.manifests = manifests;
        this.validations = validations;
        this.dataTasks = dataTasks;
        this.clock = clock;
        this.ids = new Ids(clock, new SecureRandom());
    }

    /// Applies one report and answers it.
    ///
    /// @throws IllegalArgumentException for a message that is no report
    public void handle(Envelope envelope) {
        switch (envelope.payload()) {
            case Report.OfAttempt report -> handle(envelope.id(), report);
            case Report.Validated report -> validations.answered(envelope.id(), report);
            case Report.DataDone report -> dataTasks.answered(envelope.id(), report);
            default ->
                    throw new IllegalArgumentException(
                            "not a report: " + envelope.payload().getClass().getSimpleName());
        }
    }

    private void handle(UUID id, Report.OfAttempt report) {
        Optional<Manifests.Check> check;
        try {
            check = check(report);
        } catch (ObjectStoreException e) {
            log.warn("{} waits for the object store: {}", report.attempt(), e.getMessage());
            return;
        }
        database.useTransaction(ACTOR, handle -> settle(handle, id, report, check));
    }

    /// Reads the manifest before any transaction: requests to the store take their time.
    private Optional<Manifests.Check> check(Report.OfAttempt report) {
        return switch (report) {
            case Report.Checkpoint c -> check(report, c.manifest(), Manifest.Kind.CHECKPOINT);
            case Report.Result r -> check(report, r.manifest(), Manifest.Kind.RESULT);
            case Report.Claim _,
                    Report.Started _,
                    Report.Damaged _,
                    Report.Finalizing _,
                    Report.Paused _,
                    Report.Cancelled _,
                    Report.HandedBack _,
                    Report.Failed _,
                    Report.Exited _ ->
                    Optional.empty();
        };
    }

    private Optional<Manifests.Check> check(
            Report.OfAttempt report, ManifestRef manifest, Manifest.Kind kind) {
        Optional<TenantId> tenant =
                database.inTransaction(
                        ACTOR, handle -> new Jobs(handle).tenant(report.attempt().job()));
        return Optional.of(
                tenant.isEmpty()
                        ? new Manifests.Check.Bad("no such job")
                        : manifests.check(
                                manifest,
                                kind,
                                report.attempt(),
                                Jobs.prefix(tenant.get(), report.attempt().job())));
    }

    private void settle(
            Handle handle, UUID id, Report.OfAttempt report, Optional<Manifests.Check> check) {
        boolean first = Inbox.accept(handle, CONSUMER, id);
        Leases leases = new Leases(handle, times);
        Optional<String> host =
                report instanceof Report.Claim claim
                        ? Optional.of(claim.host())
                        : leases.host(report.attempt());
        Outcome outcome = new AttemptReports(handle, leases, ids).apply(report, check, first);
        log.debug("{} {} -> {}", report.getClass().getSimpleName(), report.attempt(), outcome);
        host.flatMap(name -> answer(name, id, report, outcome))
                .ifPresent(new Mail(handle, clock)::send);
    }

    private Optional<Control> answer(
            String host, UUID id, Report.OfAttempt report, Outcome outcome) {
        return switch (outcome) {
            case Outcome.Granted granted ->
                    Optional.of(
                            new Control.Grant(
                                    host,
                                    id,
                                    report.attempt(),
                                    times.lease().toMillis(),
                                    granted.work()));
            case Outcome.Refused refused ->
                    Optional.of(new Control.Refuse(host, id, report.attempt(), refused.reason()));
            case Outcome.Done _ -> Optional.of(new Control.Committed(host, id, report.attempt()));
            case Outcome.Wrong wrong ->
                    Optional.of(new Control.Rejected(host, id, report.attempt(), wrong.reason()));
            case Outcome.Stale _ -> Optional.of(new Control.Fenced(host, report.attempt(), id));
            case Outcome.Later _ -> Optional.empty();
        };
    }
}
