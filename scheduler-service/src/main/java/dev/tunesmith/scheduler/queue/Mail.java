package dev.tunesmith.scheduler.queue;

import dev.tunesmith.contracts.event.Control;
import dev.tunesmith.contracts.event.DataTask;
import dev.tunesmith.contracts.event.Envelope;
import dev.tunesmith.contracts.event.Topics;
import dev.tunesmith.contracts.event.ValidateTask;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.sql.Outbox;
import java.time.Clock;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/// Messages of the handle's transaction: they leave when it has committed, not before.
record Mail(Handle handle, Clock clock) {

    void send(Control control) {
        add(
                Topics.CONTROL,
                control.host(),
                Envelope.of(UUID.randomUUID(), clock.instant(), control));
    }

    /// Each send is a message of its own; the task inside is what makes repeats harmless.
    void send(ValidateTask task) {
        add(
                Topics.VALIDATE,
                task.task().wire(),
                Envelope.of(UUID.randomUUID(), clock.instant(), task));
    }

    void send(DataTask task) {
        add(
                Topics.VALIDATE,
                task.task().wire(),
                Envelope.of(UUID.randomUUID(), clock.instant(), task));
    }

    private void add(String topic, String key, Envelope envelope) {
        Outbox.add(handle, topic, key, envelope.id(), Json.text(envelope));
    }
}
