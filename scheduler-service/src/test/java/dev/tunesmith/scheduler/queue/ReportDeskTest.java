package dev.tunesmith.scheduler.queue;

import static dev.tunesmith.scheduler.TestDatabase.MODEL;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.data.DatasetStats;
import dev.tunesmith.contracts.event.Control;
import dev.tunesmith.contracts.event.Envelope;
import dev.tunesmith.contracts.event.Manifest;
import dev.tunesmith.contracts.event.ManifestRef;
import dev.tunesmith.contracts.event.Report;
import dev.tunesmith.contracts.event.StepMetrics;
import dev.tunesmith.contracts.fit.ModelFacts;
import dev.tunesmith.contracts.id.Attempt;
import dev.tunesmith.contracts.id.Ids;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.id.TaskId;
import dev.tunesmith.contracts.id.TunedName;
import dev.tunesmith.contracts.job.AdapterSpec;
import dev.tunesmith.contracts.job.ErrorClass;
import dev.tunesmith.contracts.job.ErrorCode;
import dev.tunesmith.contracts.job.JobState;
import dev.tunesmith.contracts.job.Origin;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.job.Resolver;
import dev.tunesmith.contracts.method.AdapterKind;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.objects.DirectoryObjects;
import dev.tunesmith.platform.objects.ObjectStore;
import dev.tunesmith.platform.sql.Inbox;
import dev.tunesmith.scheduler.TestDatabase;
import dev.tunesmith.scheduler.lease.LeaseTimes;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("servers")
class ReportDeskTest {
    private static final DatasetStats STATS = new DatasetStats(10, 1000, 500, 100, 90, 99, 0, 0);

    @TempDir static Path folder;

    private static TestDatabase db;
    private static ObjectStore objects;
    private static Validations validations;
    private static ReportDesk desk;

    @BeforeAll
    static void open() {
        db = TestDatabase.create(1000);
        objects = new DirectoryObjects(folder);
        Clock clock = Clock.systemUTC();
        validations =
                new Validations(
                        db.scheduler(),
                        clock,
                        Duration.ofSeconds(60),
                        Duration.ofSeconds(35),
                        new Ids(clock, new SecureRandom()),
                        Optional.empty());
        desk =
                new ReportDesk(
                        db.scheduler(),
                        LeaseTimes.DEFAULT,
                        new Manifests(objects),
                        validations,
                        new DataTasks(
                                db.scheduler(),
                                clock,
                                Duration.ofSeconds(35),
                                new Ids(clock, new SecureRandom())),
                        clock);
    }

    private static String owner() {
        return "h-" + UUID.randomUUID() + "/" + UUID.randomUUID();
    }

    private static Control report(Report report) {
        return report(UUID.randomUUID(), report);
    }

    /// Sends the report and returns the answer, which is the last message to any host.
    private static Control report(UUID id, Report report) {
        desk.handle(Envelope.of(id, Instant.EPOCH, report));
        String json =
                db.value(
                        "SELECT payload::text FROM outbox WHERE topic = 'ts.control.v1' ORDER BY id DESC LIMIT 1",
                        String.class);
        return (Control) Json.read(json, Envelope.class).payload();
    }

    private static ManifestRef manifest(Attempt attempt, Manifest.Kind kind, long step) {
        String prefix =
                "t/%s/j/%s/x/%s/"
                        .formatted(db.tenant().value(), attempt.job().value(), UUID.randomUUID());
        ObjectStore.Stored part = objects.put(prefix + "w", "hello".getBytes(UTF_8));
        return manifest(
                attempt,
                kind,
                step,
                prefix,
                new Manifest.Entry("w", part.key(), part.bytes(), part.sha256()));
    }

    private static ManifestRef manifest(
            Attempt attempt, Manifest.Kind kind, long step, String prefix, Manifest.Entry part) {
        return manifest(attempt, kind, step, prefix, List.of(part));
    }

    private static ManifestRef manifest(
            Attempt attempt,
            Manifest.Kind kind,
            long step,
            String prefix,
            List<Manifest.Entry> parts) {
        byte[] content =
                Json.bytes(
                        new Manifest(
                                Manifest.VERSION,
                                kind,
                                db.tenant(),
                                attempt,
                                step,
                                parts,
                                Map.of(),
                                Map.of(),
                                null));
        ObjectStore.Stored stored = objects.put(prefix + Manifest.FILE_NAME, content);
        return new ManifestRef(stored.key(), stored.sha256());
    }

    private static Report.Checkpoint checkpoint(Attempt attempt, long step) {
        return new Report.Checkpoint(
                attempt, step, manifest(attempt, Manifest.Kind.CHECKPOINT, step), 5, Map.of());
    }

    @Test
    void theSecondHostIsRefused() {
        Attempt attempt = db.leased();

        // The work of a job without a real verdict cannot be read, so the claims stay statements.
        db.update("UPDATE job SET lease_owner = 'h1/b' WHERE job_id = :job", attempt.job());
        Control answer = report(new Report.Claim(attempt, "h2", UUID.randomUUID().toString()));

        assertThat(answer).isInstanceOf(Control.Refuse.class);
    }

    @Test
    void aRepeatedCheckpointIsAnsweredAgainAndCountedOnce() {
        Attempt attempt = db.running(owner());
        UUID id = UUID.randomUUID();
        Report.Checkpoint report = checkpoint(attempt, 4);

        assertThat(report(id, report)).isInstanceOf(Control.Committed.class);
        assertThat(report(id, report)).isInstanceOf(Control.Committed.class);
        assertThat(report(report)).isInstanceOf(Control.Committed.class);

        assertThat(
                        db.value(
                                "SELECT count(*) FROM checkpoint WHERE job_id = '"
                                        + attempt.job().value()
                                        + "'",
                                Long.class))
                .isEqualTo(1);
        assertThat(db.messages(attempt.job())).hasSize(1);
    }

    /// S3: the damaged checkpoint is out of use, its attempt is no loss, and the steps that were
    /// lost with it may be committed again.
    @Test
    void aDamagedCheckpointGivesWayToTheOneBefore() {
        Attempt attempt = db.running(owner());
        Report.Checkpoint damaged = checkpoint(attempt, 8);
        report(checkpoint(attempt, 4));
        report(damaged);

        report(new Report.Damaged(attempt, damaged.manifest(), "other bytes"));

        assertThat(db.state(attempt.job())).isEqualTo(JobState.RETRY_WAIT);
        assertThat(live(attempt.job())).isEqualTo("4");
        assertThat(db.column(attempt.job(), "infra_losses", Integer.class)).isZero();
        assertThat(db.messages(attempt.job()))
                .contains("Checkpoint of step 8 is damaged: other bytes");
        db.update("UPDATE job SET state = 'QUEUED' WHERE job_id = :job", attempt.job());
        Attempt next = db.running(db.lease(attempt.job()), owner());
        assertThat(report(checkpoint(next, 4))).isInstanceOf(Control.Rejected.class);
        assertThat(report(checkpoint(next, 6))).isInstanceOf(Control.Committed.class);
        assertThat(report(checkpoint(next, 5))).isInstanceOf(Control.Rejected.class);
        assertThat(live(attempt.job())).isEqualTo("4,6");
        assertThat(db.column(attempt.job(), "ckpt_step", Long.class)).isEqualTo(8);
    }

    @Test
    void aHostThatCallsAStrangersCheckpointDamagedIsBroken() {
        Attempt attempt = db.running(owner());
        Attempt stranger = db.running(owner());
        Report.Checkpoint theirs = checkpoint(stranger, 4);
        report(theirs);

        report(new Report.Damaged(attempt, theirs.manifest(), "a lie"));

        assertThat(live(stranger.job())).isEqualTo("4");
        assertThat(db.messages(attempt.job()).getLast()).contains("a lie");
    }

    private static String live(JobId job) {
        return db.value(
                "SELECT coalesce(string_agg(step::text, ',' ORDER BY step), '') FROM checkpoint"
                        + " WHERE state = 'LIVE' AND job_id = '"
                        + job.value()
                        + "'",
                String.class);
    }

    @Test
    void aZombieIsFenced() {
        Attempt zombie = db.running(owner());
        report(new Report.HandedBack(zombie, "drain"));

        assertThat(report(checkpoint(zombie, 4))).isInstanceOf(Control.Fenced.class);
    }

    @Test
    void aPartOfAnotherTenantIsRefused() {
        Attempt attempt = db.running(owner());
        ObjectStore.Stored foreign = objects.put("t/other/secret", "hello".getBytes(UTF_8));
        ManifestRef manifest =
                manifest(
                        attempt,
                        Manifest.Kind.CHECKPOINT,
                        1,
                        "t/%s/j/%s/y/".formatted(db.tenant().value(), attempt.job().value()),
                        new Manifest.Entry("w", foreign.key(), 5, foreign.sha256()));

        Control answer = report(new Report.Checkpoint(attempt, 1, manifest, 5, Map.of()));

        assertThat(answer)
                .isInstanceOfSatisfying(
                        Control.Rejected.class,
                        rejected -> assertThat(rejected.reason()).contains("is not below"));
        assertThat(db.column(attempt.job(), "ckpt_step", Long.class)).isEqualTo(-1);
    }

    @Test
    void aManifestOfAnotherAttemptIsRefused() {
        Attempt attempt = db.running(owner());
        Attempt other = new Attempt(attempt.job(), 7, UUID.randomUUID());

        Control answer =
                report(
                        new Report.Checkpoint(
                                attempt,
                                1,
                                manifest(other, Manifest.Kind.CHECKPOINT, 1),
                                5,
                                Map.of()));

        assertThat(answer).isInstanceOf(Control.Rejected.class);
    }

    /// J1: one row, one update. Cancel first, then the result.
    @Test
    void aCancelThatCameFirstWins() {
        Attempt attempt = db.running(owner());
        db.desire(attempt.job(), "CANCEL");
        db.update("UPDATE job SET state = 'CANCELLING' WHERE job_id = :job", attempt.job());

        desk.handle(
                Envelope.of(
                        UUID.randomUUID(),
                        Instant.EPOCH,
                        new Report.Result(
                                attempt,
                                manifest(attempt, Manifest.Kind.RESULT, 9),
                                5,
                                1,
                                Map.of())));
        assertThat(db.state(attempt.job())).isEqualTo(JobState.CANCELLING);

        report(new Report.Cancelled(attempt));
        assertThat(db.state(attempt.job())).isEqualTo(JobState.CANCELLED);
    }

    @Test
    void aResultLeavesItsModelAndItsTablesToTheTenant() {
        Attempt attempt = db.running(owner());
        db.update(
                "UPDATE job SET resolved = CAST('%s' AS jsonb) WHERE job_id = :job"
                        .formatted(Json.text(resolved()).replace("'", "''")),
                attempt.job());
        String prefix = "t/%s/j/%s/result/1/".formatted(db.tenant().value(), attempt.job().value());
        List<Manifest.Entry> parts =
                List.of("adapter_model.safetensors", StepMetrics.CSV, StepMetrics.LINES).stream()
                        .map(name -> part(prefix, name))
                        .toList();
        ManifestRef manifest = manifest(attempt, Manifest.Kind.RESULT, 9, prefix, parts);

        Report.Result report = new Report.Result(attempt, manifest, 15, 77, Map.of());
        assertThat(report(report)).isInstanceOf(Control.Committed.class);
        assertThat(report(report)).isInstanceOf(Control.Committed.class);

        assertThat(db.state(attempt.job())).isEqualTo(JobState.SUCCEEDED);
        assertThat(
                        db.value(
                                """
                                SELECT string_agg(f.filename || ' ' || f.purpose || ' ' || f.object_key, '; ' ORDER BY n)
                                FROM job j, unnest(j.result_files) WITH ORDINALITY r(id, n)
                                  JOIN file f ON f.file_id = r.id AND f.tenant_id = '%s'
                                WHERE j.job_id = '%s'
                                """
                                        .formatted(db.tenant().value(), attempt.job().value()),
                                String.class))
                .isEqualTo(
                        "step_metrics.csv fine-tune-results %1$sstep_metrics.csv; step_metrics.jsonl fine-tune-results %1$sstep_metrics.jsonl"
                                .formatted(prefix));
        assertThat(db.column(attempt.job(), "fine_tuned_model", String.class))
                .isEqualTo(TunedName.of("nano", "acme", null, attempt.job()));
    }

    @Test
    void aModelThatGotLayersSaysSo() {
        Attempt attempt = db.running(owner());
        Map<String, Object> resolved = new HashMap<>(Json.treeOf(resolved()));
        resolved.put(
                "adapter",
                Json.treeOf(
                        new AdapterSpec.Part(
                                AdapterKind.LLAMA_PRO,
                                List.of(1),
                                List.of(AdapterSpec.Part.ALL),
                                List.of(),
                                2,
                                0)));
        assertThat(factsOfResult(attempt, resolved, "model.safetensors").layers())
                .isEqualTo(MODEL.layers() + 2);
    }

    /// Plans of jobs that read it beside their own model count it.
    @Test
    void anAdapterSaysHowLargeItIs() {
        ResolvedSpec spec = resolved();
        AdapterSpec.Lora lora = (AdapterSpec.Lora) spec.adapter();
        ModelFacts found =
                factsOfResult(db.running(owner()), Json.treeOf(spec), "adapter_model.safetensors");
        assertThat(found.parameters()).isEqualTo(MODEL.parameters());
        assertThat(found.adapter())
                .isEqualTo(MODEL.loraParameters(lora.rank(), lora.targetModules()))
                .isPositive();
    }

    private ModelFacts factsOfResult(Attempt attempt, Map<String, Object> resolved, String file) {
        db.update(
                "UPDATE job SET resolved = CAST('%s' AS jsonb) WHERE job_id = :job"
                        .formatted(Json.text(resolved).replace("'", "''")),
                attempt.job());
        db.sql(
                "UPDATE model_version SET facts = CAST('%s' AS jsonb) WHERE name = 'nano'"
                        .formatted(Json.text(MODEL)));
        String prefix = "t/%s/j/%s/result/1/".formatted(db.tenant().value(), attempt.job().value());
        ManifestRef manifest =
                manifest(attempt, Manifest.Kind.RESULT, 9, prefix, List.of(part(prefix, file)));

        report(new Report.Result(attempt, manifest, 15, 77, Map.of()));

        return Json.read(
                db.value(
                        "SELECT facts::text FROM model_version WHERE job_id = '%s'"
                                .formatted(attempt.job().value()),
                        String.class),
                ModelFacts.class);
    }

    private static ResolvedSpec resolved() {
        return Resolver.resolve(db.spec(), MODEL, STATS, Long.MAX_VALUE);
    }

    private static Manifest.Entry part(String prefix, String name) {
        ObjectStore.Stored part = objects.put(prefix + name, "hello".getBytes(UTF_8));
        return new Manifest.Entry(name, part.key(), part.bytes(), part.sha256());
    }

    @Test
    void anInternalErrorIsTriedOnceMore() {
        JobId job = db.queued();
        for (int i = 0; i < 2; i++) {
            Attempt attempt = db.running(db.lease(job), owner());
            report(
                    new Report.Failed(
                            attempt,
                            ErrorClass.INTERNAL,
                            ErrorCode.INTERNAL_ERROR,
                            "assertion",
                            null,
                            null));
            if (i == 0) {
                assertThat(db.state(job)).isEqualTo(JobState.RETRY_WAIT);
                db.update("UPDATE job SET state = 'QUEUED' WHERE job_id = :job", job);
            }
        }

        assertThat(db.state(job)).isEqualTo(JobState.FAILED);
        assertThat(db.column(job, "error_code", String.class)).isEqualTo("internal_error");
    }

    @Test
    void outOfMemoryIsNotTriedAgain() {
        Attempt attempt = db.running(owner());

        report(
                new Report.Failed(
                        attempt,
                        ErrorClass.RESOURCE,
                        ErrorCode.OUT_OF_MEMORY,
                        "peak 9 GiB",
                        null,
                        null));

        assertThat(db.state(attempt.job())).isEqualTo(JobState.FAILED);
        assertThat(
                        db.value(
                                "SELECT exit_class FROM job_attempt WHERE lease_id = '"
                                        + attempt.lease()
                                        + "'",
                                String.class))
                .isEqualTo("resource");
    }

    private static TaskId sent(JobId job) {
        validations.run();
        return new TaskId(
                db.value(
                        "SELECT task_id FROM validation_task WHERE job_id = '" + job.value() + "'",
                        UUID.class));
    }

    private static Report.Validated validated(TaskId task, JobId job, Problem... problems) {
        return new Report.Validated(
                task, job, null, STATS, null, List.of(problems), problems.length, MODEL, null);
    }

    @Test
    void aGoodVerdictQueuesTheJobWithSpecAndPlan() {
        JobId job = db.submit();
        TaskId task = sent(job);

        desk.handle(Envelope.of(UUID.randomUUID(), Instant.EPOCH, validated(task, job)));
        desk.handle(Envelope.of(UUID.randomUUID(), Instant.EPOCH, validated(task, job)));

        assertThat(db.state(job)).isEqualTo(JobState.QUEUED);
        assertThat(db.column(job, "resolved -> 'settings' ->> 'type'", String.class))
                .isEqualTo("supervised");
        assertThat(db.column(job, "(memory_plan ->> 'total_bytes')::bigint", Long.class))
                .isPositive();
    }

    /// A job whose model is an adapter gets the adapter's base, the adapter, and its settings.
    @Test
    void aJobGoesOnWithTheAdapterOfAnother() {
        JobId maker = db.submit();
        desk.handle(Envelope.of(UUID.randomUUID(), Instant.EPOCH, validated(sent(maker), maker)));
        String name = "ft:nano:" + UUID.randomUUID();
        String sha = "ab".repeat(32);
        db.sql(
                """
                INSERT INTO model_version (version_id, tenant_id, name, kind, base_version_id,
                  job_id, object_prefix, manifest_key, manifest_sha256, bytes)
                SELECT gen_random_uuid(), '%s', '%s', 'adapter', version_id, '%s', 'a/', '%s',
                  '\\x%s', 1
                FROM model_version WHERE name = 'nano' AND tenant_id IS NULL
                """
                        .formatted(
                                db.tenant().value(),
                                name,
                                maker.value(),
                                "a/" + maker.wire(),
                                sha));

        JobId next = db.submit(db.spec(name));
        desk.handle(Envelope.of(UUID.randomUUID(), Instant.EPOCH, validated(sent(next), next)));

        Control.Work work =
                db.scheduler().inTransaction("test", h -> new Jobs(h).work(next)).orElseThrow();
        assertThat(work.base().manifest()).isEqualTo(TestDatabase.BASE);
        assertThat(work.base().adapter()).isEqualTo(new ManifestRef("a/" + maker.wire(), sha));
        assertThat(work.spec().origins())
                .extractingByKey("rank")
                .extracting(Origin::reason)
                .asString()
                .contains("training goes on with");
    }

    @Test
    void rowsThatAreCutAreReported() {
        JobId job = db.submit();
        TaskId task = sent(job);
        var stats = new DatasetStats(10, 1000, 500, 900, 90, 800, 3, 0);

        desk.handle(
                Envelope.of(
                        UUID.randomUUID(),
                        Instant.EPOCH,
                        new Report.Validated(
                                task, job, null, stats, null, List.of(), 0, MODEL, null)));

        assertThat(db.messages(job))
                .contains(
                        "3 of 10 rows are longer than 256 tokens (max_seq_len); overflow is truncate");
    }

    @Test
    void aBadFileFailsTheJobWithItsLines() {
        JobId job = db.submit();
        TaskId task = sent(job);

        desk.handle(
                Envelope.of(
                        UUID.randomUUID(),
                        Instant.EPOCH,
                        validated(task, job, Problem.ofLine(3, null, "no assistant turn"))));

        assertThat(db.state(job)).isEqualTo(JobState.FAILED);
        assertThat(db.column(job, "error_code", String.class)).isEqualTo("invalid_training_data");
        assertThat(db.column(job, "error_message", String.class))
                .isEqualTo("line 3: no assistant turn");
    }

    @Test
    void aJobThatFitsNowhereIsRefusedWithTheNumbers() {
        db.sql(
                "INSERT INTO host (host_id, boot, flavor, slots_total, slots_free, memory_bytes) VALUES ('tiny', gen_random_uuid(), 'cpu', 1, 1, 1000000)");
        JobId job = db.submit();
        TaskId task = sent(job);

        desk.handle(Envelope.of(UUID.randomUUID(), Instant.EPOCH, validated(task, job)));
        db.sql("DELETE FROM host WHERE host_id = 'tiny'");

        assertThat(db.state(job)).isEqualTo(JobState.FAILED);
        assertThat(db.column(job, "error_code", String.class)).isEqualTo("out_of_memory");
        assertThat(db.column(job, "error_message", String.class)).contains("GiB");
    }

    @Test
    void anUnansweredTaskIsSentAgainUnderItsId() {
        JobId job = db.submit();
        TaskId task = sent(job);
        validations.run();
        db.sql(
                "UPDATE validation_task SET sent_at = now() - interval '61 s' WHERE task_id = '"
                        + task.value()
                        + "'");

        validations.run();

        assertThat(
                        db.value(
                                "SELECT sends FROM validation_task WHERE task_id = '"
                                        + task.value()
                                        + "'",
                                Integer.class))
                .isEqualTo(2);
        db.desire(job, "CANCEL");
    }

    @Test
    void aDeletedFileIsNamed() {
        JobId job = db.submit();
        db.sql("UPDATE file SET deleted_at = now()");

        validations.run();

        assertThat(db.state(job)).isEqualTo(JobState.FAILED);
        assertThat(db.column(job, "error_param", String.class)).isEqualTo("training_file");
    }

    /// K4: the note of a message and its effect are one transaction. The mutant commits the note
    /// first; a crash in between then loses the effect for ever.
    @Test
    void aCrashBetweenNoteAndEffectLosesNothing() {
        assertThat(effectAfterCrash(false)).isEqualTo(JobState.RETRY_WAIT);
        assertThat(effectAfterCrash(true)).isEqualTo(JobState.RUNNING);
    }

    private static JobState effectAfterCrash(boolean noteFirst) {
        Attempt attempt = db.running(owner());
        Envelope envelope =
                Envelope.of(
                        UUID.randomUUID(), Instant.EPOCH, new Report.HandedBack(attempt, "drain"));
        if (noteFirst) {
            db.scheduler()
                    .useTransaction(
                            "test",
                            handle -> Inbox.accept(handle, ReportDesk.CONSUMER, envelope.id()));
        }
        crashing(() -> desk.handle(envelope));
        desk.handle(envelope);
        return db.state(attempt.job());
    }

    /// While it runs, every change of a job fails just before its commit.
    private static void crashing(Runnable work) {
        db.sql(
                """
                CREATE FUNCTION crash() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'crash'; END $$;
                CREATE CONSTRAINT TRIGGER crash AFTER UPDATE ON job
                DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION crash();
                """);
        try {
            work.run();
        } catch (RuntimeException expected) {
            assertThat(expected).hasStackTraceContaining("crash");
        } finally {
            db.sql("DROP FUNCTION crash() CASCADE");
        }
    }
}
