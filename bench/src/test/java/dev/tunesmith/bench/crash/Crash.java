package dev.tunesmith.bench.crash;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/// One stack, one spec, and the bytes that an undisturbed run of it ends in.
final class Crash implements AutoCloseable {
    private static final Path HOME = PackagedStack.home();
    private static final String ADAPTER = "adapter_model.safetensors";
    private static final Set<String> ENDED = Set.of("succeeded", "failed", "cancelled");
    private static final long JOB_SECONDS = 300;

    private final PackagedStack stack;
    private final StackApi api;
    private final StackSql sql;
    private final Map<String, byte[]> files = new ConcurrentHashMap<>();
    private final Set<String> jobs = ConcurrentHashMap.newKeySet();
    private ObjectNode spec = StackApi.JSON.createObjectNode();
    private byte[] undisturbed = new byte[0];

    private Crash(PackagedStack stack) {
        this.stack = stack;
        this.api = new StackApi(stack);
        this.sql = new StackSql(stack);
    }

    /// Starts the stack, brings in model and rows, and trains once without a fault.
    ///
    /// @param epochs how long a run is
    static Crash open(Path data, int epochs) {
        // A lost attempt waits two seconds instead of twenty; all else is as it is delivered.
        return open(data, epochs, Map.of("TUNESMITH_SCHEDULER_BACKOFF", "PT1S"));
    }

    /// The same with settings of one's own.
    static Crash open(Path data, int epochs, Map<String, String> settings) {
        var crash = new Crash(new PackagedStack(data, settings));
        try {
            crash.stack.up();
            crash.prepare(epochs);
            return crash;
        } catch (RuntimeException | AssertionError e) {
            crash.close();
            throw e;
        }
    }

    PackagedStack stack() {
        return stack;
    }

    StackApi api() {
        return api;
    }

    StackSql sql() {
        return sql;
    }

    private void prepare(int epochs) {
        stack.importNano();
        String training =
                keep("train.jsonl", read(HOME.resolve("examples/quickstart/train.jsonl")));
        String validation =
                keep("valid.jsonl", read(HOME.resolve("examples/quickstart/validation.jsonl")));
        spec =
                (ObjectNode)
                        json(
                                """
                                {"model": "nano", "seed": 7, "training_file": "%s", "validation_file": "%s",
                                 "method": {"type": "supervised", "supervised": {
                                   "hyperparameters": {"n_epochs": %d, "batch_size": 8}}},
                                 "x_training": {"adapter": "lora", "rank": 8, "alpha": 32, "dropout": 0.1,
                                   "max_seq_len": 256, "packing": false, "learning_rate": 0.0015,
                                   "save_steps": 10, "logging_steps": 1}}
                                """
                                        .formatted(training, validation, epochs));
        undisturbed = finish(submit());
    }

    private static JsonNode json(String text) {
        try {
            return StackApi.JSON.readTree(text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static byte[] read(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Uploads a file and remembers that the platform has it now.
    String keep(String name, byte[] content) {
        String id = api.upload(name, content);
        files.put(id, content);
        return id;
    }

    /// Uploads once, as a client that is not patient; what was answered must be there for ever.
    void tryKeep(String name) {
        byte[] row =
                "{\"messages\":[{\"role\":\"user\",\"content\":\"%s?\"},{\"role\":\"assistant\",\"content\":\"Yes.\"}]}\n"
                        .formatted(name)
                        .getBytes(UTF_8);
        api.tryUpload(name + ".jsonl", row).ifPresent(id -> files.put(id, row));
    }

    /// Uploads small files in the background until the answer is closed.
    Clerk clerk() {
        return new Clerk(this);
    }

    /// A client that goes on as if nothing happened.
    static final class Clerk implements AutoCloseable {
        private static final long PAUSE_MILLIS = 300;

        private final Thread thread;
        private volatile boolean open = true;

        private Clerk(Crash crash) {
            thread = Thread.ofVirtual().start(() -> work(crash));
        }

        private void work(Crash crash) {
            while (open) {
                crash.tryKeep("note-" + UUID.randomUUID());
                PackagedStack.pause(PAUSE_MILLIS);
            }
        }

        @Override
        public void close() {
            open = false;
            try {
                thread.join();
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /// A new job of the spec.
    String submit() {
        return submit(spec);
    }

    /// The same with a checkpoint only every so many steps, which does not change its result.
    String submitSaving(int everySteps) {
        ObjectNode rarely = spec.deepCopy();
        ((ObjectNode) rarely.get("x_training")).put("save_steps", everySteps);
        return submit(rarely);
    }

    private String submit(ObjectNode body) {
        String id = api.create(body).path("id").asText();
        jobs.add(id);
        return id;
    }

    /// Waits until the job says that it has done this step.
    ///
    /// @return the step that it said
    long awaitStep(String job, long step) {
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(JOB_SECONDS);
        while (true) {
            JsonNode now = api.get("/v1/fine_tuning/jobs/" + job);
            long done = now.path("x_progress").path("step").asLong();
            String status = now.path("status").asText();
            if (done >= step) {
                return done;
            }
            if (ENDED.contains(status) || System.nanoTime() > until) {
                throw new AssertionError("step %d of %s%s".formatted(step, now, stack.logs()));
            }
            PackagedStack.pause(30);
        }
    }

    /// Waits until a checkpoint of the job is committed.
    ///
    /// @return the name under which it answers
    String awaitCheckpoint(String job) {
        String path = "/v1/fine_tuning/jobs/" + job + "/checkpoints";
        stack.await("a checkpoint of " + job, () -> !api.get(path).at("/data/0").isMissingNode());
        return api.get(path).at("/data/0/fine_tuned_model_checkpoint").asText();
    }

    /// Waits until the job has ended, and not well.
    ///
    /// @return its `error`
    JsonNode awaitFailure(String job) {
        JsonNode ended = awaitEnd(job);
        assertThat(ended.path("status").asText()).as(history(job)).isEqualTo("failed");
        return ended.path("error");
    }

    /// Flips one bit of the newest committed checkpoint on the disk of the object store.
    ///
    /// @return its step
    long damageNewestCheckpoint(String job) {
        String newest =
                sql.one(
                        "SELECT step || ' ' || manifest_key FROM checkpoint WHERE job_id = ?"
                                + " ORDER BY step DESC LIMIT 1",
                        PackagedStack.id(job));
        String[] words = newest.split(" ", 2);
        Path manifest = stack.data().resolve("objects/tunesmith").resolve(words[1]);
        Path weights = manifest.resolveSibling(ADAPTER);
        try {
            byte[] bytes = Files.readAllBytes(weights);
            bytes[bytes.length / 2] ^= 1;
            Files.write(weights, bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return Long.parseLong(words[0]);
    }

    /// Whether one more lost worker would rightly end a job: three without a checkpoint in between
    /// are taken for poison.
    boolean isNearQuarantine() {
        stack.await(
                "the database to answer",
                () -> !sql.tryAll("SELECT 1").orElse(List.of()).isEmpty());
        return sql.one("SELECT count(*) FROM job WHERE finished_at IS NULL AND loss_repeat >= 2")
                        .compareTo("0")
                > 0;
    }

    /// Waits for success and returns the adapter's bytes.
    byte[] finish(String job) {
        JsonNode now = awaitEnd(job);
        if (!now.path("status").asText().equals("succeeded")) {
            throw new AssertionError(now + history(job) + stack.logs());
        }
        String model = now.path("fine_tuned_model").asText();
        return api.bytes("/api/v1/model-files/content?model=" + model + "&file=" + ADAPTER);
    }

    private JsonNode awaitEnd(String job) {
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(JOB_SECONDS);
        JsonNode now = api.get("/v1/fine_tuning/jobs/" + job);
        while (!ENDED.contains(now.path("status").asText())) {
            if (System.nanoTime() > until) {
                throw new AssertionError("never ended: " + now + history(job) + stack.logs());
            }
            PackagedStack.pause(100);
            now = api.get("/v1/fine_tuning/jobs/" + job);
        }
        return now;
    }

    /// What the job said about itself, but for its metrics.
    String history(String job) {
        List<String> lines =
                sql.all(
                        "SELECT to_char(at, 'HH24:MI:SS.MS ') || message FROM job_message"
                                + " WHERE job_id = ? AND type = 'message' ORDER BY seq",
                        PackagedStack.id(job));
        return "\n" + String.join("\n", lines) + "\n";
    }

    /// The job ends as if nothing had happened, exactly once, and nothing else was lost.
    void checkUnharmed(String job) {
        byte[] adapter = finish(job);
        assertThat(Arrays.equals(adapter, undisturbed))
                .as("adapter of %s equals that of the undisturbed run%s", job, history(job))
                .isTrue();
        checkOneEffectiveRun(PackagedStack.id(job));
        checkNothingLost();
    }

    private void checkOneEffectiveRun(UUID job) {
        assertThat(sql.one("SHOW synchronous_commit")).isEqualTo("on");
        assertThat(sql.one("SHOW fsync")).isEqualTo("on");
        assertThat(sql.one("SELECT count(*) FROM model_version WHERE job_id = ?", job))
                .as("models of the job")
                .isEqualTo("1");
        assertThat(sql.all(ATTEMPT_PROBLEMS, job))
                .as("attempts that overlap or never ended")
                .isEmpty();
        assertThat(
                        sql.one(
                                "SELECT count(*) FROM job_attempt WHERE job_id = ? AND end_state = 'SUCCEEDED'",
                                job))
                .as("attempts that succeeded")
                .isEqualTo("1");
        assertThat(sql.one("SELECT count(*) = max(seq) FROM job_event WHERE job_id = ?", job))
                .as("events are dense")
                .isEqualTo("t");
        assertThat(
                        sql.one(
                                "SELECT count(*) FROM job_event WHERE job_id = ? AND to_state IN"
                                        + " ('SUCCEEDED', 'FAILED', 'CANCELLED')",
                                job))
                .as("ends of the job")
                .isEqualTo("1");
        assertThat(sql.all(CHECKPOINT_PROBLEMS, job)).as("checkpoints out of order").isEmpty();
        assertThat(sql.one("SELECT sum(gpu_used) FROM tenant")).as("leaked slots").isEqualTo("0");
    }

    private static final String ATTEMPT_PROBLEMS =
            """
            SELECT row_to_json(a)::text FROM (
              SELECT epoch, leased_at, ended_at, end_state,
                lag(ended_at) OVER w AS before_ended, lag(epoch) OVER w AS before_epoch
              FROM job_attempt WHERE job_id = ? WINDOW w AS (ORDER BY epoch)) a
            WHERE ended_at IS NULL OR leased_at < before_ended OR epoch <= before_epoch
            """;

    /// A later epoch goes on where the last commit was, never before it.
    private static final String CHECKPOINT_PROBLEMS =
            """
            SELECT row_to_json(c)::text FROM (
              SELECT step, epoch, lag(step) OVER w AS before_step, lag(epoch) OVER w AS before_epoch
              FROM checkpoint WHERE job_id = ? AND state = 'LIVE' WINDOW w AS (ORDER BY at, step)) c
            WHERE step <= before_step OR epoch < before_epoch
            """;

    /// Everything that the platform ever confirmed is still there, byte by byte.
    void checkNothingLost() {
        assertThat(api.ids("/v1/files")).as("accepted files").containsAll(files.keySet());
        files.forEach((id, content) ->
                assertThat(api.bytes("/v1/files/" + id + "/content"))
                        .as("content of %s", id)
                        .isEqualTo(content));
        assertThat(api.ids("/v1/fine_tuning/jobs")).as("accepted jobs").containsAll(jobs);
        stack.await(
                "the outbox to be empty",
                () ->
                        sql.one("SELECT count(*) FROM outbox WHERE published_at IS NULL")
                                .equals("0"));
    }

    @Override
    public void close() {
        api.close();
        stack.close();
    }
}
