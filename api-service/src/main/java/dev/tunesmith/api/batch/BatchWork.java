package dev.tunesmith.api.batch;

import dev.tunesmith.api.batch.Batch.State;
import dev.tunesmith.api.batch.Batches.Claim;
import jakarta.inject.Singleton;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/// One turn of a batch: its lines are checked, or its next part is answered, or its files are
/// written.
///
/// A turn may be cut off anywhere; the next one, on whatever replica, finds what was stored and
/// goes on there. A turn that fails keeps its lease, which is the pause before the next try.
@Singleton
final class BatchWork {
    private final Batches batches;
    private final Parts parts;
    private final Answering answering;
    private final BatchInputs inputs;
    private final BatchOutputs outputs;
    private final BatchSettings settings;
    private final Clock clock;

    BatchWork(
            Batches batches,
            Parts parts,
            Answering answering,
            BatchInputs inputs,
            BatchOutputs outputs,
            BatchSettings settings,
            Clock clock) {
        this.batches = batches;
        this.parts = parts;
        this.answering = answering;
        this.inputs = inputs;
        this.outputs = outputs;
        this.settings = settings;
        this.clock = clock;
    }

    /// Does what is next and gives the lease back.
    ///
    /// @param stopping asked while answers are awaited: what is there by then is stored
    void serve(Claim claim, BooleanSupplier stopping) {
        switch (claim.batch().state()) {
            case VALIDATING -> check(claim);
            case IN_PROGRESS -> {
                if (clock.instant().isAfter(claim.batch().times().expires())) {
                    close(claim, State.EXPIRED);
                } else {
                    answer(claim, stopping);
                }
            }
            case FINALIZING -> close(claim, State.COMPLETED);
            case CANCELLING -> close(claim, State.CANCELLED);
            case FAILED, COMPLETED, EXPIRED, CANCELLED -> {}
        }
        batches.release(claim.tenant(), claim);
    }

    private void check(Claim claim) {
        boolean _ =
                switch (inputs.check(claim)) {
                    case BatchInputs.Checked.Good(Batches.Input input) ->
                            batches.begin(claim.tenant(), claim, input)
                                    || batches.fail(
                                            claim.tenant(), claim, List.of(queueFull(input)));
                    case BatchInputs.Checked.Bad(List<Batch.LineError> errors) ->
                            batches.fail(claim.tenant(), claim, errors);
                };
    }

    private Batch.LineError queueFull(Batches.Input input) {
        return new Batch.LineError(
                "token_limit_exceeded",
                ("Enqueued token limit reached for %s in this project. Limit: %d enqueued tokens, this"
                                + " batch has %d. Please try again once some in_progress batches"
                                + " have been completed.")
                        .formatted(input.model(), settings.queuedTokens(), input.tokens()),
                null,
                null);
    }

    private void answer(Claim claim, BooleanSupplier stopping) {
        long from = claim.batch().place().nextByte();
        Optional<Parts.Part> stored = parts.find(claim.tenant(), claim.id(), from);
        if (stored.isEmpty()) {
            List<BatchRequest> requests = inputs.next(claim.batch());
            if (requests.isEmpty()) {
                boolean _ = batches.finalise(claim.tenant(), claim);
                close(claim, State.COMPLETED);
                return;
            }
            List<AnswerLine> lines = answering.answer(claim, requests, stopping);
            if (lines.isEmpty()) {
                return;
            }
            InputLines.Line last = requests.get(lines.size() - 1).line();
            var part = new Parts.Part(last.next(), last.number() + 1, lines);
            stored = Optional.of(parts.keep(claim.tenant(), claim.id(), from, part));
        }
        boolean _ = batches.advance(claim.tenant(), claim, from, stored.get());
    }

    private void close(Claim claim, State state) {
        Batch.Counts counts = claim.batch().counts();
        int expired =
                state == State.EXPIRED ? counts.total() - counts.completed() - counts.failed() : 0;
        outputs.write(claim, expired);
        parts.delete(claim.tenant(), claim.id());
        boolean _ = batches.end(claim.tenant(), claim, state, expired);
    }
}
