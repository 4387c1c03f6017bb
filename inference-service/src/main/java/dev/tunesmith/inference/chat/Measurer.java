package dev.tunesmith.inference.chat;

import dev.tunesmith.contracts.dataset.UsualRow;
import dev.tunesmith.contracts.grade.Likelihood;
import dev.tunesmith.contracts.serving.ServingGrant;
import dev.tunesmith.contracts.template.ChatOptions;
import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.data.TrainingRow;
import dev.tunesmith.engine.data.UnusableRowException;
import dev.tunesmith.engine.decode.Batcher;
import dev.tunesmith.engine.decode.Draw;
import dev.tunesmith.engine.decode.Generation;
import dev.tunesmith.engine.decode.SamplingOptions;
import dev.tunesmith.inference.web.Refusal;
import dev.tunesmith.inference.weights.Models;
import dev.tunesmith.inference.weights.Served;
import io.quarkus.vertx.http.runtime.CurrentVertxRequest;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jboss.logging.Logger;

/// How likely a model finds the answers that rows bring: the tokens that training would predict,
/// each read behind the right ones before it.
@Singleton
public final class Measurer {
    private static final Logger LOG = Logger.getLogger(Measurer.class);
    private static final int AT_ONCE_MAX = 16;
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final long PAUSE_MS = 20;

    /// Reports the most probable token, which tells whether the right one was it.
    private static final SamplingOptions MEASURED =
            new SamplingOptions(0, 1, 0, 0, 0, 0, 1, Map.of(), 0, 1);

    private final Models models;
    private final Batcher batcher;
    private final CurrentVertxRequest current;

    Measurer(Models models, Batcher batcher, CurrentVertxRequest current) {
        this.models = models;
        this.batcher = batcher;
        this.current = current;
    }

    /// A row that was measured, or why it could not be.
    record Measured(Likelihood likelihood, Optional<String> problem) {}

    /// Measures rows of any shape that training takes. Conversations are shortened to the context
    /// as training shortens them; documents are read in pieces of its length.
    ///
    /// @param options how conversations are written
    /// @throws Refusal when too much waits for too long
    List<Measured> measure(ServingGrant grant, List<Map<String, Object>> rows, ChatOptions options)
            throws InterruptedException {
        AtomicBoolean gone = new AtomicBoolean();
        current.getCurrent().response().closeHandler(_ -> gone.set(true));
        List<Row> all = new ArrayList<>();
        try (Models.Lease lease = models.lease(grant)) {
            Served served = lease.served().with(options);
            for (Map<String, Object> row : rows) {
                if (gone.get()) {
                    break;
                }
                all.add(started(served, row));
                if (all.size() >= AT_ONCE_MAX) {
                    all.get(all.size() - AT_ONCE_MAX).await();
                }
            }
            List<Measured> measured = new ArrayList<>();
            for (Row row : all) {
                row.await();
                measured.add(row.measured());
            }
            return measured;
        } finally {
            all.forEach(Row::cancel);
        }
    }

    /// A row that a reward model has read, or why it could not be.
    record Scored(int tokens, double score, Optional<String> problem) {}

    /// What a reward model says of rows, each at its last token.
    ///
    /// @throws Refusal when the model is none, or when too much waits for too long
    List<Scored> score(ServingGrant grant, List<Map<String, Object>> rows, ChatOptions options)
            throws InterruptedException {
        AtomicBoolean gone = new AtomicBoolean();
        current.getCurrent().response().closeHandler(_ -> gone.set(true));
        try (Models.Lease lease = models.lease(grant)) {
            Served served = lease.served().with(options);
            Served.Scorer scorer =
                    served.scorer()
                            .orElseThrow(() ->
                                    Refusal.invalid(
                                            "model",
                                            "invalid_value",
                                            "model: %s is no reward model; train one with method reward_model"
                                                    .formatted(grant.model())));
            List<Scored> scored = new ArrayList<>();
            for (Map<String, Object> row : rows) {
                if (gone.get()) {
                    break;
                }
                scored.add(score(served, scorer, row));
            }
            return scored;
        }
    }

    private Scored score(Served served, Served.Scorer scorer, Map<String, Object> row)
            throws InterruptedException {
        try {
            List<Sample> samples = samples(served, row);
            if (samples.size() != 1) {
                throw new UnusableRowException("text", "is longer than the context");
            }
            int[] ids = samples.getFirst().ids();
            return new Scored(ids.length, waited(scorer, ids), Optional.empty());
        } catch (UnusableRowException e) {
            return new Scored(0, 0, Optional.of(String.valueOf(e.getMessage())));
        }
    }

    private double waited(Served.Scorer scorer, int[] ids) throws InterruptedException {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        try {
            OptionalDouble score = batcher.onDevice(() -> scorer.score(ids));
            while (score.isEmpty()) {
                if (System.nanoTime() > deadline) {
                    throw Refusal.busy();
                }
                Thread.sleep(PAUSE_MS);
                score = batcher.onDevice(() -> scorer.score(ids));
            }
            return score.getAsDouble();
        } catch (ExecutionException e) {
            LOG.error("a text was not scored", e.getCause());
            throw Refusal.failed();
        } catch (CancellationException _) {
            throw Refusal.failed();
        }
    }

    private Row started(Served served, Map<String, Object> given) throws InterruptedException {
        List<Sample> samples;
        try {
            samples = samples(served, given);
        } catch (UnusableRowException e) {
            return new Row(List.of(), Optional.of(String.valueOf(e.getMessage())));
        }
        List<Reading> readings = new ArrayList<>();
        for (Sample sample : samples) {
            readings.add(started(served, sample));
        }
        return new Row(readings, Optional.empty());
    }

    private static List<Sample> samples(Served served, Map<String, Object> given) {
        UsualRow usual = UsualRow.of(given);
        if (usual.problem().isPresent()) {
            throw new UnusableRowException("", usual.problem().get());
        }
        int context = served.model().contextLength();
        Map<String, Object> row = usual.row();
        if (!row.containsKey("messages") && row.get("text") instanceof String) {
            TrainingRow.Text text = TrainingRow.text(row);
            Sample whole =
                    served.documents()
                            .orElseThrow(() ->
                                    new UnusableRowException(
                                            "text", "the model has no token that ends a document"))
                            .sample(text.text());
            return pieces(whole.ids(), context);
        }
        Sample sample =
                served.conversations().sample(TrainingRow.chat(row).conversation(), context);
        if (sample.trainedTokens() == 0) {
            throw new UnusableRowException(
                    "messages",
                    "has no trained token within the %d of the context".formatted(context));
        }
        return List.of(sample);
    }

    private static List<Sample> pieces(int[] ids, int length) {
        List<Sample> pieces = new ArrayList<>();
        for (int from = 0; from < ids.length; from += length) {
            int to = Math.min(ids.length, from + length);
            pieces.add(Sample.allTrained(Arrays.copyOfRange(ids, from, to)));
        }
        return pieces;
    }

    private Reading started(Served served, Sample sample) throws InterruptedException {
        Reading reading = new Reading(sample.weights());
        var request =
                new Generation.Request(
                        sample.ids(), MEASURED, 0, Set.of(), true, reading, sample.pictures());
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        Optional<Generation> generation = batcher.submit(served.model(), request);
        while (generation.isEmpty()) {
            if (System.nanoTime() > deadline) {
                throw Refusal.busy();
            }
            Thread.sleep(PAUSE_MS);
            generation = batcher.submit(served.model(), request);
        }
        reading.generation = generation;
        return reading;
    }

    /// A row under way: one reading, or several of a long document.
    private record Row(List<Reading> readings, Optional<String> problem) {
        void await() throws InterruptedException {
            for (Reading reading : readings) {
                reading.ended.await();
            }
        }

        Measured measured() {
            int tokens = 0;
            double loss = 0;
            int hits = 0;
            for (Reading reading : readings) {
                if (reading.end != Generation.End.LENGTH) {
                    throw Refusal.failed();
                }
                tokens += reading.tokens;
                loss += reading.loss;
                hits += reading.hits;
            }
            return new Measured(new Likelihood(tokens, loss, hits), problem);
        }

        void cancel() {
            readings.forEach(reading -> reading.generation.ifPresent(Generation::cancel));
        }
    }

    /// Counts on the device thread; read once it has ended.
    private static final class Reading implements Generation.Listener {
        private final CountDownLatch ended = new CountDownLatch(1);
        private final float[] weights;
        private Optional<Generation> generation = Optional.empty();
        private Generation.End end = Generation.End.FAILED;
        private int at;
        private int tokens;
        private double loss;
        private int hits;

        Reading(float[] weights) {
            this.weights = weights;
        }

        @Override
        public void token(Draw draw) {
            throw new IllegalStateException("nothing was to be drawn");
        }

        @Override
        public void prompt(Draw given) {
            at++;
            if (weights[at] > 0) {
                tokens++;
                loss -= given.logprob();
                hits += given.top().getFirst().token() == given.token() ? 1 : 0;
            }
        }

        @Override
        public void end(Generation.End why) {
            end = why;
            ended.countDown();
        }
    }
}
