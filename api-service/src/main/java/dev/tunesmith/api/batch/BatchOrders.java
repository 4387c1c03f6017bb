package dev.tunesmith.api.batch;

import dev.tunesmith.api.dataset.Files;
import dev.tunesmith.api.dataset.StoredFile;
import dev.tunesmith.api.repeat.CompatSettings;
import dev.tunesmith.api.repeat.CreateRequest;
import dev.tunesmith.api.repeat.FirstAnswers;
import dev.tunesmith.api.repeat.FirstAnswers.Answer;
import dev.tunesmith.api.tenant.Caller;
import dev.tunesmith.api.web.ApiException;
import dev.tunesmith.contracts.id.Ids;
import dev.tunesmith.contracts.problem.Fields;
import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.contracts.problem.Problems;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.sql.Database;
import jakarta.inject.Singleton;
import java.time.Clock;
import java.time.Instant;
import java.util.Optional;

/// Takes orders for batches: checks them, then writes the batch and its idempotency row in one
/// transaction.
///
/// A repeated key and a blind retry of an SDK lead to the first batch, as with jobs: nobody pays
/// for the same answers twice because a connection broke.
@Singleton
final class BatchOrders {
    private final Database database;
    private final Batches batches;
    private final BatchWorkers workers;
    private final Files files;
    private final CompatSettings compat;
    private final Ids ids;
    private final Clock clock;

    BatchOrders(
            Database database,
            Batches batches,
            BatchWorkers workers,
            Files files,
            CompatSettings compat,
            Ids ids,
            Clock clock) {
        this.database = database;
        this.batches = batches;
        this.workers = workers;
        this.files = files;
        this.compat = compat;
        this.ids = ids;
        this.clock = clock;
    }

    Answer place(Caller caller, CreateRequest request) {
        Optional<Answer> earlier =
                FirstAnswers.within(database, caller, answers -> earlier(answers, request));
        if (earlier.isPresent()) {
            return earlier.get();
        }
        Batch.Order order = order(caller, request);
        Answer answer =
                FirstAnswers.within(database, caller, answers -> accept(answers, request, order));
        workers.nudge();
        return answer;
    }

    private Optional<Answer> earlier(FirstAnswers answers, CreateRequest request) {
        if (request.key().isPresent()) {
            return answers.replay(request);
        }
        if (!request.isRetry() || compat.blindRetryWindow().isZero()) {
            return Optional.empty();
        }
        Instant since = clock.instant().minus(compat.blindRetryWindow());
        return batches.twin(answers, request, since)
                .map(batch -> new Answer(Json.text(BatchView.of(batch)), false));
    }

    private Batch.Order order(Caller caller, CreateRequest request) {
        var problems = new Problems();
        var fields = new Fields(request.tree(), "", problems);
        Optional<Batch.Order> order =
                BatchRules.read(
                        fields,
                        id ->
                                files.find(caller.tenant(), caller.actor(), id)
                                        .map(StoredFile::isBatchInput));
        if (!problems.none() || order.isEmpty()) {
            throw ApiException.of(problems.kept());
        }
        return order.get();
    }

    private Answer accept(FirstAnswers answers, CreateRequest request, Batch.Order order) {
        if (!batches.hasRoom(answers)) {
            throw ApiException.of(
                    ProblemCode.QUOTA_EXCEEDED,
                    "As many batches of this project are open as it may have; wait for one or"
                            + " cancel it");
        }
        Batch batch = batches.fresh(ids.nextBatch(), order);
        return answers.make(
                request,
                batch.id().value(),
                batch.id().wire(),
                Json.text(BatchView.of(batch)),
                () -> batches.insert(answers, request, batch));
    }
}
