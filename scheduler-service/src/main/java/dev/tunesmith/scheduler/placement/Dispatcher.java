package dev.tunesmith.scheduler.placement;

import dev.tunesmith.contracts.event.Dispatch;
import dev.tunesmith.contracts.event.Envelope;
import dev.tunesmith.contracts.event.Topics;
import dev.tunesmith.contracts.id.Attempt;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.sql.Database;
import dev.tunesmith.platform.sql.Outbox;
import dev.tunesmith.scheduler.journal.Journal;
import dev.tunesmith.scheduler.lease.LeaseTimes;
import dev.tunesmith.scheduler.pod.PodPlacer;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.JdbiException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The planner's hand: looks, lets [Placement] decide, and carries each verdict out in a
/// transaction of its own. [#run] is one tick.
public final class Dispatcher implements Runnable {
    static final String ACTOR = "scheduler/planner";

    private static final Logger log = LoggerFactory.getLogger(Dispatcher.class);

    private final Database database;
    private final LeaseTimes times;
    private final Duration hostFresh;
    private final Clock clock;
    private final PodPlacer pods;

    /// @param hostFresh after how long without a beat a host's room no longer counts
    public Dispatcher(
            Database database, LeaseTimes times, Duration hostFresh, Clock clock, PodPlacer pods) {
        this.database = database;
        this.times = times;
        this.hostFresh = hostFresh;
        this.clock = clock;
        this.pods = pods;
    }

    @Override
    public void run() {
        Placement.Picture picture =
                database.inTransaction(ACTOR, handle -> look(new Queue(handle)));
        List<Verdict.Wait> waits = new ArrayList<>();
        for (Verdict verdict : Placement.decide(picture, ShareOrder.QUOTA_USED)) {
            switch (verdict) {
                case Verdict.Place place -> place(place);
                case Verdict.Wait wait -> waits.add(wait);
            }
        }
        if (!waits.isEmpty()) {
            database.useTransaction(ACTOR, handle -> explain(new Journal(handle), waits));
        }
    }

    private Placement.Picture look(Queue queue) {
        List<Candidate> candidates = queue.candidates();
        return candidates.isEmpty()
                ? new Placement.Picture(List.of(), List.of(), List.of(), Map.of())
                : new Placement.Picture(
                        candidates, queue.shares(), queue.room(hostFresh), queue.unclaimed());
    }

    private void place(Verdict.Place place) {
        try {
            database.useTransaction(ACTOR, handle -> place(handle, place));
        } catch (JdbiException e) {
            if (!Database.violates(e, "quota_held")) {
                throw e;
            }
            log.info("{} waits: the quota was taken meanwhile", place.candidate().job());
        }
    }

    private void place(Handle handle, Verdict.Place place) {
        Candidate candidate = place.candidate();
        new Queue(handle)
                .place(candidate, place.flavor(), times)
                .ifPresent(placed -> {
                    invite(handle, place, placed);
                    pods.place(placed.attempt(), place.flavor());
                });
    }

    private void invite(Handle handle, Verdict.Place place, Queue.Placed placed) {
        Attempt attempt = placed.attempt();
        UUID id = UUID.randomUUID();
        Dispatch dispatch =
                new Dispatch(
                        attempt,
                        placed.specSha256(),
                        place.candidate().neededBytes(),
                        placed.resumeStep());
        Outbox.add(
                handle,
                Topics.dispatch(place.flavor()),
                attempt.job().wire() + "-" + attempt.epoch(),
                id,
                Json.text(Envelope.of(id, clock.instant(), dispatch)));
    }

    private static void explain(Journal journal, List<Verdict.Wait> waits) {
        waits.forEach(
                wait -> journal.blocked(wait.candidate().job(), wait.reason().name(), wait.text()));
    }
}
