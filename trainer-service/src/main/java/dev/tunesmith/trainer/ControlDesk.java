package dev.tunesmith.trainer;

import dev.tunesmith.contracts.event.ChildCommand;
import dev.tunesmith.contracts.event.Control;
import dev.tunesmith.contracts.event.Envelope;
import dev.tunesmith.contracts.id.Attempt;
import dev.tunesmith.contracts.id.TaskId;
import dev.tunesmith.platform.events.IncomingEvent;
import dev.tunesmith.platform.json.Json;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Takes every instruction of the scheduler to the attempt that it is for.
final class ControlDesk {
    private static final Logger log = LoggerFactory.getLogger(ControlDesk.class);

    private final Attempts attempts;
    private final Claims claims;
    private final Outgoing outgoing;
    private final Consumer<Control.BeatAck> beatAnswered;
    private final Runnable drain;
    private final Consumer<TaskId> abandon;

    ControlDesk(
            Attempts attempts,
            Claims claims,
            Outgoing outgoing,
            Consumer<Control.BeatAck> beatAnswered,
            Runnable drain,
            Consumer<TaskId> abandon) {
        this.attempts = attempts;
        this.claims = claims;
        this.outgoing = outgoing;
        this.beatAnswered = beatAnswered;
        this.drain = drain;
        this.abandon = abandon;
    }

    void handle(IncomingEvent event) {
        Envelope envelope = Json.read(event.json(), Envelope.class);
        if (envelope.payload() instanceof Control control) {
            log.debug("told {}", control);
            handle(control);
        }
    }

    private void handle(Control control) {
        switch (control) {
            case Control.Grant grant -> claims.answered(grant.attempt(), grant);
            case Control.Refuse refuse -> claims.answered(refuse.attempt(), refuse);
            case Control.Committed(_, UUID answers, Attempt attempt) -> {
                outgoing.answered(answers);
                attempts.find(attempt).ifPresent(run -> run.committed(answers));
            }
            case Control.Rejected(_, UUID answers, Attempt attempt, String reason) -> {
                outgoing.answered(answers);
                attempts.find(attempt).ifPresent(run -> run.rejected(answers, reason));
            }
            case Control.BeatAck ack -> beatAnswered(ack);
            case Control.Cancel(_, Attempt attempt, long deadline) ->
                    stop(attempt, ChildCommand.Reason.CANCEL, deadline);
            case Control.Pause(_, Attempt attempt, long deadline) ->
                    stop(attempt, ChildCommand.Reason.PAUSE, deadline);
            case Control.Preempt(_, Attempt attempt, long deadline) ->
                    stop(attempt, ChildCommand.Reason.PREEMPT, deadline);
            case Control.Drain _ -> drain.run();
            case Control.Fenced(_, Attempt attempt, _) -> fenced(attempt);
            case Control.Abandon(_, TaskId task) -> abandon.accept(task);
        }
    }

    /// Says again what an earlier instruction said, in case that one was lost.
    private void beatAnswered(Control.BeatAck ack) {
        beatAnswered.accept(ack);
        ack.fenced().forEach(this::fenced);
        for (Control.Wanted wanted : ack.attempts()) {
            Optional<Run> run = attempts.find(wanted.attempt());
            if (run.isEmpty()) {
                continue;
            }
            switch (wanted.desired()) {
                case CANCEL -> run.get().stop(ChildCommand.Reason.CANCEL);
                case PAUSE -> run.get().stop(ChildCommand.Reason.PAUSE);
                case RUN -> {
                    Long preemptIn = wanted.preemptInMillis();
                    if (preemptIn != null) {
                        stop(wanted.attempt(), ChildCommand.Reason.PREEMPT, preemptIn);
                    }
                }
            }
        }
    }

    private void stop(Attempt attempt, ChildCommand.Reason reason, long withinMillis) {
        attempts.find(attempt).ifPresent(run -> run.stop(reason, Duration.ofMillis(withinMillis)));
    }

    private void fenced(Attempt attempt) {
        outgoing.forget(attempt);
        attempts.find(attempt).ifPresent(Run::fenced);
    }
}
