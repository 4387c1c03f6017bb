package dev.tunesmith.trainer;

import dev.tunesmith.contracts.event.DataTask;
import dev.tunesmith.contracts.event.Envelope;
import dev.tunesmith.platform.events.IncomingEvent;
import dev.tunesmith.platform.events.Verdict;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.json.JsonException;

/// Takes every task without a lease to the desk that does it.
record TaskDesk(ValidateDesk validations, DataDesk data) {

    Verdict invited(IncomingEvent event) {
        try {
            Envelope envelope = Json.read(event.json(), Envelope.class);
            if (envelope.payload() instanceof DataTask task) {
                return data.invited(task, event.deliveries());
            }
        } catch (JsonException _) {
            return Verdict.REJECT;
        }
        return validations.invited(event);
    }
}
