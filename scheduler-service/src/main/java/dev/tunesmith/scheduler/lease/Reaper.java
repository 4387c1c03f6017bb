package dev.tunesmith.scheduler.lease;

import dev.tunesmith.contracts.id.Attempt;
import dev.tunesmith.contracts.job.ErrorClass;
import dev.tunesmith.platform.sql.Database;
import dev.tunesmith.scheduler.journal.Journal;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jdbi.v3.core.Handle;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Gives the jobs of lost hosts back to the queue. [#run] is one pass; any number of reapers may
/// run.
public final class Reaper implements Runnable {
    static final String ACTOR = "scheduler/reaper";

    private static final Logger log = LoggerFactory.getLogger(Reaper.class);

    private final Database database;
    private final LeaseTimes times;
    private final SilenceRules rules;
    private final Clock clock;
    private final Supplier<Optional<Instant>> beatsReadAt;
    private ControlPlaneWatch watch;

    /// @param fresh how recent the reading of the beats must be
    /// @param beatsReadAt when the beats topic was last known to be read to its end
    public Reaper(
            Database database,
            LeaseTimes times,
            SilenceRules rules,
            Duration fresh,
            Clock clock,
            Supplier<Optional<Instant>> beatsReadAt) {
        this.database = database;
        this.times = times;
        this.rules = rules;
        this.clock = clock;
        this.beatsReadAt = beatsReadAt;
        this.watch = ControlPlaneWatch.start(rules.lease(), fresh);
    }

    /// Decides and acts in one transaction each: the statement itself leaves a lease alone that was
    /// renewed after the decision.
    @Override
    public void run() {
        beatsReadAt.get().ifPresent(at -> watch = watch.readToEnd(at));
        Reaping reaping = database.inTransaction(ACTOR, this::look);
        reaping.alarm().ifPresent(alarm -> log.warn("not reaping: {}", alarm));
        if (!reaping.lost().isEmpty()) {
            List<Attempt> lost = reaping.lost().stream().map(HeldLease::attempt).toList();
            database.useTransaction(ACTOR, handle -> reap(handle, lost));
        }
    }

    private Reaping look(Handle handle) {
        Leases leases = new Leases(handle, times);
        watch = watch.onTimeline(leases.databaseTimeline());
        return Reaping.decide(
                new Reaping.Picture(
                        leases.held(), leases.databaseTime(), watch.doubt(clock.instant())),
                rules);
    }

    private void reap(Handle handle, List<Attempt> lost) {
        Database.setLocal(handle, "app.exit_class", ErrorClass.INFRA.wire());
        Journal journal = new Journal(handle);
        for (Leases.Ended ended : new Leases(handle, times).reapSilent(lost)) {
            log.info("reaped {}, now {}", ended.job(), ended.state());
            journal.entered(ended.job(), ended.state(), "its worker fell silent");
        }
    }
}
