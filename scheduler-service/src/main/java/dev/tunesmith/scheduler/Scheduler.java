package dev.tunesmith.scheduler;

import dev.tunesmith.contracts.event.Beat;
import dev.tunesmith.contracts.event.Control;
import dev.tunesmith.contracts.event.Envelope;
import dev.tunesmith.contracts.event.Message;
import dev.tunesmith.contracts.event.Telemetry;
import dev.tunesmith.contracts.event.Topics;
import dev.tunesmith.contracts.id.Ids;
import dev.tunesmith.contracts.survey.Price;
import dev.tunesmith.platform.events.ConsumerLoop;
import dev.tunesmith.platform.events.EventHandler;
import dev.tunesmith.platform.events.EventProducer;
import dev.tunesmith.platform.events.IncomingEvent;
import dev.tunesmith.platform.events.OutgoingEvent;
import dev.tunesmith.platform.events.ReadSettings;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.objects.ObjectStore;
import dev.tunesmith.platform.sql.Database;
import dev.tunesmith.platform.sql.OutboxRelay;
import dev.tunesmith.scheduler.journal.TelemetryDesk;
import dev.tunesmith.scheduler.lease.BeatDesk;
import dev.tunesmith.scheduler.lease.Reaper;
import dev.tunesmith.scheduler.placement.Dispatcher;
import dev.tunesmith.scheduler.pod.PodPlacer;
import dev.tunesmith.scheduler.queue.DataTasks;
import dev.tunesmith.scheduler.queue.Manifests;
import dev.tunesmith.scheduler.queue.ReportDesk;
import dev.tunesmith.scheduler.queue.Timers;
import dev.tunesmith.scheduler.queue.Validations;
import dev.tunesmith.scheduler.sweep.AuditHeads;
import dev.tunesmith.scheduler.sweep.SweepTimes;
import dev.tunesmith.scheduler.sweep.Sweeper;
import dev.tunesmith.scheduler.tick.Pulse;
import dev.tunesmith.scheduler.tick.Retention;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Everything that runs in a scheduler: three readers, four pulses and the relay, started together
/// and stopped in reverse.
public final class Scheduler implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Scheduler.class);
    private static final String GROUP = "scheduler";

    /// How long a host may take to obey a cancel or a pause before it uses force.
    private static final Duration OBEY_WITHIN = Duration.ofSeconds(30);

    private final Database database;
    private final String bootstrap;
    private final SchedulerTimes times;
    private final Optional<Price> price;
    private final Clock clock = Clock.systemUTC();
    private final Deque<Runnable> stops = new ArrayDeque<>();

    private Scheduler(
            Database database, String bootstrap, SchedulerTimes times, Optional<Price> price) {
        this.database = database;
        this.bootstrap = bootstrap;
        this.times = times;
        this.price = price;
    }

    /// Starts all of it, or nothing.
    ///
    /// @param price what tenants without a price of their own pay for trained tokens
    public static Scheduler start(
            Database database,
            String bootstrap,
            ObjectStore objects,
            SchedulerTimes times,
            Optional<Price> price) {
        var scheduler = new Scheduler(database, bootstrap, times, price);
        try {
            scheduler.begin(objects);
            return scheduler;
        } catch (RuntimeException e) {
            scheduler.close();
            throw e;
        }
    }

    private void begin(ObjectStore objects) {
        EventProducer durable = EventProducer.durable(bootstrap, "scheduler");
        stops.push(durable::close);
        EventProducer lossy = EventProducer.lossy(bootstrap, "scheduler-answers");
        stops.push(lossy::close);
        stops.push(OutboxRelay.start(database, durable)::close);
        var ids = new Ids(clock, new SecureRandom());
        var validations =
                new Validations(
                        database, clock, times.validateResend(), times.hostFresh(), ids, price);
        Pulse timers = pulse("timers", new Timers(database, times.leases(), clock, OBEY_WITHIN));
        pulse("validations", validations);
        var dataTasks = new DataTasks(database, clock, times.hostFresh(), ids);
        pulse("data-tasks", dataTasks);
        Pulse planner =
                pulse(
                        "planner",
                        new Dispatcher(
                                database,
                                times.leases(),
                                times.hostFresh(),
                                clock,
                                PodPlacer.STANDING_HOSTS));
        var reports =
                new ReportDesk(
                        database,
                        times.leases(),
                        new Manifests(objects),
                        validations,
                        dataTasks,
                        clock);
        read(
                Topics.REPORTS,
                envelope -> {
                    reports.handle(envelope);
                    timers.wake();
                    planner.wake();
                },
                durable);
        var beats = new BeatDesk(database, times.leases(), answer -> lossy.offer(control(answer)));
        ConsumerLoop beatLoop =
                read(
                        Topics.BEATS,
                        envelope -> {
                            beats.handle(expect(envelope, Beat.class));
                            planner.wake();
                        },
                        durable);
        var telemetry = new TelemetryDesk(database, clock);
        read(
                Topics.TELEMETRY,
                envelope -> telemetry.handle(expect(envelope, Telemetry.class)),
                durable);
        Reaper reaper =
                new Reaper(
                        database,
                        times.leases(),
                        times.silence(),
                        times.beatsFresh(),
                        clock,
                        beatLoop::caughtUpAt);
        stops.push(Pulse.start("reaper", times.reap(), reaper)::close);
        stops.push(Pulse.start("retention", Retention.EVERY, new Retention(database))::close);
        SweepTimes sweep = times.sweep();
        var sweeper = new Sweeper(database, objects, sweep.olderThan(), clock);
        stops.push(Pulse.start("sweeper", sweep.every(), sweeper)::close);
        var heads = new AuditHeads(database, objects, clock);
        stops.push(Pulse.start("audit-heads", AuditHeads.EVERY, heads)::close);
    }

    private Pulse pulse(String name, Runnable work) {
        Pulse pulse = Pulse.start(name, times.tick(), work);
        stops.push(pulse::close);
        return pulse;
    }

    /// What one reader does with each message.
    @FunctionalInterface
    private interface Taker {
        void take(Envelope envelope);
    }

    private ConsumerLoop read(String topic, Taker taker, EventProducer deadLetters) {
        EventHandler handler = (IncomingEvent event) -> taker.take(envelope(event));
        ConsumerLoop loop =
                ConsumerLoop.start(
                        new ReadSettings(bootstrap, GROUP, List.of(topic), "scheduler-" + topic),
                        handler,
                        Database::isOutage,
                        deadLetters);
        stops.push(loop::close);
        return loop;
    }

    private static Envelope envelope(IncomingEvent event) {
        return Json.read(event.json(), Envelope.class);
    }

    private static <T extends Message> T expect(Envelope envelope, Class<T> type) {
        if (!type.isInstance(envelope.payload())) {
            throw new IllegalArgumentException(
                    "expected a %s, found a %s"
                            .formatted(
                                    type.getSimpleName(),
                                    envelope.payload().getClass().getSimpleName()));
        }
        return type.cast(envelope.payload());
    }

    private OutgoingEvent control(Control control) {
        UUID id = UUID.randomUUID();
        return OutgoingEvent.of(
                Topics.CONTROL,
                control.host(),
                id,
                Json.text(Envelope.of(id, clock.instant(), control)));
    }

    /// Finishes what is in hand and stops; nothing is lost by it, the next start goes on.
    @Override
    public void close() {
        while (!stops.isEmpty()) {
            try {
                stops.pop().run();
            } catch (RuntimeException e) {
                log.warn("a part of the scheduler did not stop cleanly", e);
            }
        }
    }
}
