package dev.tunesmith.trainer;

import dev.tunesmith.contracts.event.Control;
import dev.tunesmith.contracts.event.Dispatch;
import dev.tunesmith.contracts.event.Envelope;
import dev.tunesmith.contracts.event.Report;
import dev.tunesmith.contracts.id.Attempt;
import dev.tunesmith.platform.events.IncomingEvent;
import dev.tunesmith.platform.events.Verdict;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.json.JsonException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// From an invitation to a running attempt: claim, wait for the answer, start. Refused is as final
/// as granted; without an answer the invitation goes to another host.
final class Claims {
    private static final Logger log = LoggerFactory.getLogger(Claims.class);

    private final HostIdentity identity;
    private final Outgoing outgoing;
    private final Attempts attempts;
    private final Starter starter;
    private final Duration wait;
    private final Map<Attempt, BlockingQueue<Control>> open = new ConcurrentHashMap<>();

    /// Starts a granted attempt. The slot was reserved before and is taken by it.
    @FunctionalInterface
    interface Starter {
        void start(Control.Grant grant);
    }

    Claims(
            HostIdentity identity,
            Outgoing outgoing,
            Attempts attempts,
            Starter starter,
            Duration wait) {
        this.identity = identity;
        this.outgoing = outgoing;
        this.attempts = attempts;
        this.starter = starter;
        this.wait = wait;
    }

    Verdict invited(IncomingEvent event) {
        Dispatch dispatch;
        try {
            Envelope envelope = Json.read(event.json(), Envelope.class);
            if (!(envelope.payload() instanceof Dispatch found)) {
                return Verdict.REJECT;
            }
            dispatch = found;
        } catch (JsonException e) {
            log.warn("not an invitation: {}", e.getMessage());
            return Verdict.REJECT;
        }
        if (!attempts.reserve()) {
            return Verdict.RELEASE;
        }
        return claim(dispatch.attempt());
    }

    private Verdict claim(Attempt attempt) {
        BlockingQueue<Control> answers = new ArrayBlockingQueue<>(1);
        open.put(attempt, answers);
        UUID id = outgoing.report(new Report.Claim(attempt, identity.host(), identity.boot()));
        boolean started = false;
        try {
            Control answer = answers.poll(wait.toMillis(), TimeUnit.MILLISECONDS);
            if (answer instanceof Control.Grant grant) {
                starter.start(grant);
                started = true;
                return Verdict.ACCEPT;
            }
            log.info("claim of {} {}", attempt, answer == null ? "unanswered in " + wait : "lost");
            return answer == null ? Verdict.RELEASE : Verdict.ACCEPT;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Verdict.RELEASE;
        } finally {
            outgoing.answered(id);
            open.remove(attempt);
            if (!started) {
                attempts.release();
            }
        }
    }

    /// The answer to a claim. A grant that comes too late, or after a restart of the slot, is
    /// handed back at once: the lease must not wait for its end.
    void answered(Attempt attempt, Control answer) {
        Optional<BlockingQueue<Control>> waiting = Optional.ofNullable(open.get(attempt));
        boolean taken = waiting.isPresent() && waiting.get().offer(answer);
        if (!taken && answer instanceof Control.Grant && attempts.find(attempt).isEmpty()) {
            log.info("grant of {} came too late, handed back", attempt);
            UUID _ = outgoing.report(new Report.HandedBack(attempt, "granted too late"));
        }
    }
}
