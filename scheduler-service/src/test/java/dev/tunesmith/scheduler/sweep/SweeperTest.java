package dev.tunesmith.scheduler.sweep;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.event.Manifest;
import dev.tunesmith.contracts.id.Attempt;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.platform.objects.DirectoryObjects;
import dev.tunesmith.platform.objects.ObjectStore;
import dev.tunesmith.platform.objects.ObjectStore.Head;
import dev.tunesmith.scheduler.TestDatabase;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.ZoneOffset;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SweeperTest {
    private static final Duration DAY = Duration.ofHours(24);

    private static TestDatabase db;

    @TempDir Path folder;

    @BeforeAll
    static void open() {
        db = TestDatabase.create(100);
    }

    @Test
    void removesWhatNothingRefersToOnceItIsOldEnough() {
        ObjectStore objects = new DirectoryObjects(folder);
        Attempt fenced = db.running("h/b");
        db.update(
                "UPDATE job SET state = 'RETRY_WAIT', lease_id = NULL, lease_owner = NULL, lease_expires_at = NULL WHERE job_id = :job",
                fenced.job());
        put(objects, "t/x/incoming/u1/file");
        put(objects, checkpoint(fenced, 7) + "adapter_model.safetensors");
        put(objects, checkpoint(fenced, 7) + Manifest.FILE_NAME);
        put(objects, "t/x/j/" + fenced.job().value() + "/result/" + fenced.suffix() + "/part");
        put(objects, "t/x/models/" + UUID.randomUUID() + "/config.json");

        assertThat(sweeper(objects, Duration.ofHours(23)).sweep()).isZero();
        assertThat(sweeper(objects, Duration.ofHours(25)).sweep()).isEqualTo(5);
        assertThat(objects.list("", "", 100)).isEmpty();
    }

    @Test
    void leavesWhatHasARowOrALeaseOrIsOfAnotherKind() {
        ObjectStore objects = new DirectoryObjects(folder);
        Attempt running = db.running("h/b");
        Attempt committed = db.running("h/b");
        String manifest = checkpoint(committed, 4) + Manifest.FILE_NAME;
        db.sql(
                "INSERT INTO checkpoint (job_id, step, epoch, lease_id, manifest_key, manifest_sha256, bytes) VALUES ('%s', 4, %d, '%s', '%s', '\\x00', 1)"
                        .formatted(
                                committed.job().value(),
                                committed.epoch(),
                                committed.lease(),
                                manifest));
        db.update(
                "UPDATE job SET state = 'RETRY_WAIT', lease_id = NULL, lease_owner = NULL, lease_expires_at = NULL WHERE job_id = :job",
                committed.job());
        db.sql(
                "INSERT INTO model_version (version_id, tenant_id, name, kind, object_prefix, manifest_key, manifest_sha256, bytes) VALUES (gen_random_uuid(), '%s', 'swept?', 'base', 't/x/models/m1/', 'k', decode(repeat('ab', 32), 'hex'), 1)"
                        .formatted(db.tenant().value()));
        List<String> kept =
                List.of(
                        checkpoint(running, 1) + "part",
                        manifest,
                        "t/x/datasets/abc",
                        "t/x/j/" + running.job().value() + "/log/" + running.suffix() + "/000",
                        "t/x/models/m1/config.json",
                        "base/nano/1/config.json");
        kept.forEach(key -> put(objects, key));

        assertThat(sweeper(objects, Duration.ofDays(30)).sweep()).isZero();

        assertThat(objects.list("", "", 100))
                .extracting(Head::key)
                .containsExactlyInAnyOrderElementsOf(kept);
    }

    @Test
    void tokensGoWithTheFileOfTheirTenant() {
        ObjectStore objects = new DirectoryObjects(folder);
        db.file();
        String own = "t/%s/tokens/".formatted(db.tenant().value());
        String hash =
                db.value(
                        "SELECT encode(sha256, 'hex') FROM file WHERE tenant_id = '%s' LIMIT 1"
                                .formatted(db.tenant().value()),
                        String.class);
        put(objects, own + hash + "/a.tokens");
        put(objects, own + "0".repeat(64) + "/b.tokens");
        put(objects, "t/%s/tokens/%s/c.tokens".formatted(UUID.randomUUID(), hash));

        assertThat(sweeper(objects, Duration.ofHours(25)).sweep()).isEqualTo(2);
        assertThat(objects.list("", "", 10))
                .extracting(Head::key)
                .containsExactly(own + hash + "/a.tokens");
    }

    @Test
    void findingsGoWhenTheyAreNotTheFileOfTheirJob() {
        ObjectStore objects = new DirectoryObjects(folder);
        JobId job = db.submit();
        String prefix = "t/%s/j/%s/findings/".formatted(db.tenant().value(), job.value());
        String counted = prefix + "a/findings.jsonl";
        put(objects, counted);
        put(objects, prefix + "b/findings.jsonl");
        UUID file = UUID.randomUUID();
        db.sql(
                """
                INSERT INTO file (file_id, tenant_id, purpose, filename, bytes, sha256, object_key, state, processed_at)
                VALUES ('%s', '%s', 'fine-tune-results', 'findings.jsonl', 1, decode(repeat('ef', 32), 'hex'), '%s', 'PROCESSED', now())
                """
                        .formatted(file, db.tenant().value(), counted));
        db.update("UPDATE job SET findings_file = '" + file + "' WHERE job_id = :job", job);

        assertThat(sweeper(objects, Duration.ofHours(25)).sweep()).isEqualTo(1);
        assertThat(objects.list("", "", 10)).extracting(Head::key).containsExactly(counted);

        db.sql("UPDATE file SET deleted_at = now() WHERE file_id = '%s'".formatted(file));
        assertThat(sweeper(objects, Duration.ofHours(25)).sweep()).isEqualTo(1);
        assertThat(objects.list("", "", 10)).isEmpty();
    }

    @Test
    void partsGoOnceTheirBatchHasEnded() {
        ObjectStore objects = new DirectoryObjects(folder);
        UUID open = batch("NULL", "VALIDATING");
        UUID ended = batch("now()", "COMPLETED");
        String parts = "t/%s/batches/%s/000000000000000.json";
        put(objects, parts.formatted(db.tenant().value(), open));
        put(objects, parts.formatted(db.tenant().value(), ended));

        assertThat(sweeper(objects, Duration.ofHours(25)).sweep()).isEqualTo(1);
        assertThat(objects.list("", "", 10))
                .extracting(Head::key)
                .containsExactly(parts.formatted(db.tenant().value(), open));
    }

    @Test
    void auditHeadsAreWrittenOncePerHour() {
        ObjectStore objects = new DirectoryObjects(folder);
        db.file();
        var heads = new AuditHeads(db.scheduler(), objects, Clock.systemUTC());

        heads.run();
        List<Head> first = objects.list("audit/", "", 10);
        db.file();
        heads.run();

        assertThat(first).hasSize(1);
        assertThat(first.getFirst().key()).contains(db.tenant().value().toString());
        assertThat(objects.list("audit/", "", 10)).hasSizeBetween(1, 2);
    }

    private static String checkpoint(Attempt attempt, long step) {
        return "t/x/j/%s/ckpt/%012d-%s/".formatted(attempt.job().value(), step, attempt.suffix());
    }

    private static void put(ObjectStore objects, String key) {
        ObjectStore.Stored _ = objects.put(key, key.getBytes(UTF_8));
    }

    /// A sweeper whose clock runs ahead of the objects.
    private static Sweeper sweeper(ObjectStore objects, Duration ahead) {
        Clock later = Clock.offset(Clock.system(ZoneOffset.UTC), ahead);
        return new Sweeper(db.scheduler(), objects, DAY, later);
    }

    private static UUID batch(String finished, String state) {
        UUID id = UUID.randomUUID();
        db.sql(
                """
                INSERT INTO batch (batch_id, tenant_id, state, endpoint, input_file, expires_at, finished_at)
                VALUES ('%s', '%s', '%s', '/v1/completions', gen_random_uuid(), now(), %s)
                """
                        .formatted(id, db.tenant().value(), state, finished));
        return id;
    }
}
