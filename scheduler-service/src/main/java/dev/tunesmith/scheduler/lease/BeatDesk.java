package dev.tunesmith.scheduler.lease;

import dev.tunesmith.contracts.event.Beat;
import dev.tunesmith.contracts.event.Control;
import dev.tunesmith.contracts.event.Control.Desired;
import dev.tunesmith.contracts.id.Attempt;
import dev.tunesmith.contracts.job.ErrorClass;
import dev.tunesmith.contracts.job.JobState;
import dev.tunesmith.platform.sql.Database;
import dev.tunesmith.scheduler.journal.Journal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jdbi.v3.core.Handle;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Renews the leases that a beat names, takes note of the host's room, and answers. Repeating a
/// beat changes nothing, so it needs no inbox.
public final class BeatDesk {
    static final String ACTOR = "scheduler/beats";

    private static final Logger log = LoggerFactory.getLogger(BeatDesk.class);

    private final Database database;
    private final LeaseTimes times;
    private final Consumer<Control> answers;

    /// @param answers sends to the host; an answer may be lost, the next beat asks again
    public BeatDesk(Database database, LeaseTimes times, Consumer<Control> answers) {
        this.database = database;
        this.times = times;
        this.answers = answers;
    }

    public void handle(Beat beat) {
        Control.BeatAck answer = database.inTransaction(ACTOR, handle -> renew(handle, beat));
        answers.accept(answer);
    }

    private Control.BeatAck renew(Handle handle, Beat beat) {
        Leases leases = new Leases(handle, times);
        if (new Hosts(handle).see(beat) == Hosts.Boot.NEW) {
            buryOldBoots(handle, leases, beat);
        }
        List<Attempt> named = beat.attempts().stream().map(Beat.Running::attempt).toList();
        List<Leases.Renewed> renewed = named.isEmpty() ? List.of() : leases.beat(named);
        noteProgress(handle, beat, renewed);
        List<Attempt> fenced = new ArrayList<>(named);
        renewed.forEach(lease -> fenced.remove(lease.attempt()));
        return new Control.BeatAck(
                beat.host(),
                beat.boot(),
                beat.n(),
                renewed.stream().map(BeatDesk::wanted).toList(),
                fenced);
    }

    /// Proof of death: no need to wait for any lease to run out.
    private static void buryOldBoots(Handle handle, Leases leases, Beat beat) {
        List<Attempt> dead =
                leases.heldByOldBoots(beat.host(), beat.owner()).stream()
                        .map(HeldLease::attempt)
                        .toList();
        if (dead.isEmpty()) {
            return;
        }
        log.info("host {} came back as {}: {} attempts ended", beat.host(), beat.boot(), dead);
        Database.setLocal(handle, "app.exit_class", ErrorClass.INFRA.wire());
        Journal journal = new Journal(handle);
        leases.reapDead(dead)
                .forEach(
                        ended -> journal.entered(ended.job(), ended.state(), "its host restarted"));
    }

    private static void noteProgress(Handle handle, Beat beat, List<Leases.Renewed> renewed) {
        Journal journal = new Journal(handle);
        List<Attempt> alive = renewed.stream().map(Leases.Renewed::attempt).toList();
        for (Beat.Running running : beat.attempts()) {
            if (alive.contains(running.attempt())) {
                journal.progress(
                        running.attempt().job(),
                        new Journal.Position(
                                running.attempt().epoch(),
                                running.phase(),
                                running.step(),
                                running.totalSteps(),
                                Map.of(
                                        "step_millis",
                                        running.stepMillis(),
                                        "peak_bytes",
                                        running.peakBytes())));
            }
        }
    }

    /// What the state asks of the holder. The user's wish alone is not enough: a pause is due when
    /// the job is PAUSING, not before.
    private static Control.Wanted wanted(Leases.Renewed lease) {
        Desired desired =
                switch (lease.state()) {
                    case CANCELLING -> Desired.CANCEL;
                    case PAUSING -> Desired.PAUSE;
                    case VALIDATING,
                            QUEUED,
                            LEASED,
                            RUNNING,
                            PAUSED,
                            RETRY_WAIT,
                            FINALIZING,
                            SUCCEEDED,
                            FAILED,
                            CANCELLED ->
                            Desired.RUN;
                };
        Long preemptIn = lease.state() == JobState.RUNNING ? lease.preemptInMs() : null;
        return new Control.Wanted(lease.attempt(), desired, preemptIn);
    }
}
