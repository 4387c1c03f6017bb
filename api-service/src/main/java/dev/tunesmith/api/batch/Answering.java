package dev.tunesmith.api.batch;

import dev.tunesmith.api.batch.Batch.State;
import dev.tunesmith.api.batch.Batches.Claim;
import dev.tunesmith.api.chat.ModelCalls;
import dev.tunesmith.api.web.ApiException;
import dev.tunesmith.contracts.id.Ids;
import dev.tunesmith.contracts.problem.ProblemCode;
import jakarta.inject.Singleton;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;

/// Asks the model of a batch what its lines say, several at a time.
///
/// A model that is overloaded or away is asked again until the batch expires; any other error is
/// the line's answer.
@Singleton
final class Answering {
    private static final Set<Integer> AGAIN = Set.of(429, 503);
    private static final int FAILURES_MAX = 3;
    private static final Duration PAUSE_MIN = Duration.ofMillis(500);

    private final ModelCalls calls;
    private final Batches batches;
    private final BatchSettings settings;
    private final Ids ids;
    private final Clock clock;

    Answering(ModelCalls calls, Batches batches, BatchSettings settings, Ids ids, Clock clock) {
        this.calls = calls;
        this.batches = batches;
        this.settings = settings;
        this.ids = ids;
        this.clock = clock;
    }

    /// Answers to the first lines without a gap: all of them, unless the service stops, the batch
    /// is cancelled or expires, or its lease is lost meanwhile.
    List<AnswerLine> answer(Claim claim, List<BatchRequest> requests, BooleanSupplier stopping) {
        var answers = new ArrayList<AnswerLine>();
        try (ExecutorService threads =
                Executors.newFixedThreadPool(settings.parallel(), Thread.ofVirtual().factory())) {
            List<Future<AnswerLine>> pending =
                    requests.stream()
                            .map(request -> threads.submit(() -> answer(claim, request)))
                            .toList();
            try {
                for (Future<AnswerLine> future : pending) {
                    Optional<AnswerLine> line = await(future, claim, stopping);
                    if (line.isEmpty()) {
                        break;
                    }
                    answers.add(line.get());
                }
            } finally {
                List<Runnable> _ = threads.shutdownNow();
            }
        }
        return answers;
    }

    private Optional<AnswerLine> await(
            Future<AnswerLine> line, Claim claim, BooleanSupplier stopping) {
        while (true) {
            try {
                return Optional.of(line.get(settings.every().toMillis(), TimeUnit.MILLISECONDS));
            } catch (TimeoutException _) {
                if (stopping.getAsBoolean() || !goesOn(claim)) {
                    return Optional.empty();
                }
            } catch (InterruptedException _) {
                return Optional.empty();
            } catch (ExecutionException e) {
                throw new IllegalStateException("a line of " + claim.id(), e.getCause());
            }
        }
    }

    private boolean goesOn(Claim claim) {
        boolean open = clock.instant().isBefore(claim.batch().times().expires());
        return open
                && batches.renew(claim.tenant(), claim)
                        .filter(State.IN_PROGRESS::equals)
                        .isPresent();
    }

    private AnswerLine answer(Claim claim, BatchRequest request) throws InterruptedException {
        Duration pause = PAUSE_MIN;
        for (int failures = 1; ; failures++) {
            Optional<AnswerLine> line = ask(claim, request, failures >= FAILURES_MAX);
            if (line.isPresent()) {
                return line.get();
            }
            Thread.sleep(pause);
            pause = pause.multipliedBy(2);
            pause = pause.compareTo(settings.pauseMax()) > 0 ? settings.pauseMax() : pause;
        }
    }

    /// Empty if it is worth another try.
    private Optional<AnswerLine> ask(Claim claim, BatchRequest request, boolean last)
            throws InterruptedException {
        String requestId = "req_" + ids.next().toString().replace("-", "");
        var question =
                new ModelCalls.Question(
                        claim.batch().order().endpoint(),
                        Batches.ACTOR,
                        requestId,
                        request.model(),
                        request.body());
        try {
            ModelCalls.Answer said = calls.ask(claim.tenant(), question);
            boolean again = AGAIN.contains(said.status()) || (said.status() >= 500 && !last);
            return again
                    ? Optional.empty()
                    : Optional.of(AnswerLine.of(ids.next(), request, requestId, said));
        } catch (ApiException e) {
            return e.code() == ProblemCode.UNAVAILABLE
                    ? Optional.empty()
                    : Optional.of(
                            AnswerLine.unanswered(
                                    ids.next(), request, e.code().wire(), e.getMessage()));
        }
    }
}
