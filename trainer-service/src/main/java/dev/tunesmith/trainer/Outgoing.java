package dev.tunesmith.trainer;

import dev.tunesmith.contracts.event.Envelope;
import dev.tunesmith.contracts.event.Message;
import dev.tunesmith.contracts.event.Report;
import dev.tunesmith.contracts.event.Topics;
import dev.tunesmith.contracts.id.Attempt;
import dev.tunesmith.platform.events.EventProducer;
import dev.tunesmith.platform.events.EventsException;
import dev.tunesmith.platform.events.OutgoingEvent;
import dev.tunesmith.platform.json.Json;
import java.time.Clock;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Reports on their way to the scheduler. Each is sent again, with the same id, until its answer is
/// there or its attempt is fenced; reports of one attempt keep their order.
///
/// Bounded: one attempt has at most one checkpoint, one result and its end open at a time.
final class Outgoing {
    private static final Logger log = LoggerFactory.getLogger(Outgoing.class);

    private final EventProducer reports;
    private final EventProducer lossy;
    private final Clock clock;
    private final Duration resend;
    private final Map<UUID, Open> open = new LinkedHashMap<>();

    private static final class Open {
        final Report.OfAttempt report;
        final OutgoingEvent event;
        long sentAt;

        Open(Report.OfAttempt report, OutgoingEvent event, long sentAt) {
            this.report = report;
            this.event = event;
            this.sentAt = sentAt;
        }
    }

    /// @param reports a durable producer
    /// @param lossy for beats and telemetry
    Outgoing(EventProducer reports, EventProducer lossy, Clock clock, Duration resend) {
        this.reports = reports;
        this.lossy = lossy;
        this.clock = clock;
        this.resend = resend;
    }

    /// Sends a report and keeps it until it is answered.
    ///
    /// @return the id that the answer names
    UUID report(Report.OfAttempt report) {
        OutgoingEvent event = event(Topics.REPORTS, report.attempt().job().wire(), report);
        synchronized (open) {
            open.put(event.id(), new Open(report, event, System.nanoTime()));
        }
        reports.offer(event);
        return event.id();
    }

    /// Sends a report that belongs to no attempt and waits until the broker has it.
    ///
    /// @throws EventsException when it was not acknowledged
    void deliver(Report.Validated report) {
        reports.send(event(Topics.REPORTS, report.task().wire(), report));
    }

    /// The same for the outcome of a data task.
    void deliver(Report.DataDone report) {
        reports.send(event(Topics.REPORTS, report.task().wire(), report));
    }

    /// Sends a message that may be lost.
    void offer(String topic, String key, Message message) {
        lossy.offer(event(topic, key, message));
    }

    /// The report was answered; nothing is sent again.
    void answered(UUID id) {
        synchronized (open) {
            open.remove(id);
        }
    }

    /// Nothing more is to be said about this attempt.
    void forget(Attempt attempt) {
        synchronized (open) {
            open.values().removeIf(o -> o.report.attempt().equals(attempt));
        }
    }

    /// Whether every report of this attempt was answered.
    boolean settled(Attempt attempt) {
        synchronized (open) {
            return open.values().stream().noneMatch(o -> o.report.attempt().equals(attempt));
        }
    }

    /// Sends again what waits for its answer too long.
    void resendDue() {
        long now = System.nanoTime();
        List<Open> due;
        synchronized (open) {
            due = open.values().stream().filter(o -> now - o.sentAt >= resend.toNanos()).toList();
            due.forEach(o -> o.sentAt = now);
        }
        for (Open late : due) {
            log.info(
                    "no answer for {} of {} in {}, sent again",
                    late.report.getClass().getSimpleName(),
                    late.report.attempt(),
                    resend);
            reports.offer(late.event);
        }
    }

    private OutgoingEvent event(String topic, String key, Message message) {
        UUID id = UUID.randomUUID();
        return OutgoingEvent.of(
                topic, key, id, Json.text(Envelope.of(id, clock.instant(), message)));
    }
}
