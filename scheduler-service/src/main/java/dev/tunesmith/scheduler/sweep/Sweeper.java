package dev.tunesmith.scheduler.sweep;

import dev.tunesmith.contracts.event.Manifest;
import dev.tunesmith.platform.objects.ObjectStore;
import dev.tunesmith.platform.objects.ObjectStore.Head;
import dev.tunesmith.platform.objects.ObjectStoreException;
import dev.tunesmith.platform.sql.Database;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Removes what nothing refers to: uploads that were cut short, checkpoints and results of killed
/// and fenced attempts, imports without a row, findings that are no file, tokens of files that were
/// deleted or have expired, parts of batches that have ended.
///
/// A prefix goes only when its youngest object is older than the margin, no row refers to it and
/// its lease is not held. An attempt that has lost its lease can never get a row any more, so
/// nothing can come to refer to the prefix meanwhile.
public final class Sweeper implements Runnable {
    private static final Logger log = LoggerFactory.getLogger(Sweeper.class);
    private static final String ACTOR = "scheduler/sweeper";
    private static final String ROOT = "t/";
    private static final int PAGE = 1000;

    private static final String ATTEMPT_COUNTS =
            """
            SELECT EXISTS (SELECT 1 FROM checkpoint
                WHERE manifest_key = :manifest AND state <> 'DELETING')
              OR EXISTS (SELECT 1 FROM job WHERE lease_id = :lease
                OR result_manifest_key = :manifest OR ckpt_manifest_key = :manifest)
              OR EXISTS (SELECT 1 FROM model_version WHERE object_prefix = :prefix)
            """;

    private static final String IMPORT_COUNTS =
            """
            SELECT EXISTS (SELECT 1 FROM model_version WHERE object_prefix = :prefix)
            """;

    private static final String FINDINGS_COUNT =
            """
            SELECT EXISTS (SELECT 1 FROM job JOIN file ON file.file_id = job.findings_file
              WHERE job.job_id = :id AND starts_with(file.object_key, :prefix)
                AND file.deleted_at IS NULL)
            """;

    private static final String BATCH_COUNTS =
            """
            SELECT EXISTS (SELECT 1 FROM batch WHERE batch_id = :batch AND finished_at IS NULL)
            """;

    private static final String FILE_COUNTS =
            """
            SELECT EXISTS (SELECT 1 FROM file WHERE tenant_id = :tenant AND sha256 = :sha256
              AND deleted_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp()))
            """;

    private final Database database;
    private final ObjectStore objects;
    private final Duration olderThan;
    private final Clock clock;

    public Sweeper(Database database, ObjectStore objects, Duration olderThan, Clock clock) {
        this.database = database;
        this.objects = objects;
        this.olderThan = olderThan;
        this.clock = clock;
    }

    /// The objects of one prefix, which follow each other in a listing.
    private static final class Group {
        private final Leftover place;
        private final List<String> keys = new ArrayList<>();
        private Instant youngest = Instant.MIN;

        private Group(Leftover place) {
            this.place = place;
        }

        private void add(Head head) {
            keys.add(head.key());
            youngest = head.at().isAfter(youngest) ? head.at() : youngest;
        }
    }

    @Override
    public void run() {
        try {
            int removed = sweep();
            if (removed > 0) {
                log.info("{} leftover objects removed", removed);
            }
        } catch (ObjectStoreException e) {
            log.warn("sweeping waits for the object store: {}", e.getMessage());
        }
    }

    /// Looks through all tenants once.
    ///
    /// @return objects removed
    int sweep() {
        int removed = 0;
        @Nullable Group group = null;
        String after = "";
        for (List<Head> page = objects.list(ROOT, after, PAGE);
                !page.isEmpty();
                page = objects.list(ROOT, after, PAGE)) {
            for (Head head : page) {
                Optional<Leftover> place = Leftover.of(head.key());
                if (group != null && !place.equals(Optional.of(group.place))) {
                    removed += settle(group);
                    group = null;
                }
                if (place.isPresent()) {
                    group = group == null ? new Group(place.get()) : group;
                    group.add(head);
                }
            }
            after = page.getLast().key();
        }
        return group == null ? removed : removed + settle(group);
    }

    private int settle(Group group) {
        boolean young = group.youngest.isAfter(clock.instant().minus(olderThan));
        if (young || counts(group.place)) {
            return 0;
        }
        log.info("removing {} objects below {}", group.keys.size(), group.place.prefix());
        // Without its manifest a folder does not exist for anybody.
        objects.delete(group.place.prefix() + Manifest.FILE_NAME);
        for (int from = 0; from < group.keys.size(); from += PAGE) {
            objects.deleteAll(group.keys.subList(from, Math.min(from + PAGE, group.keys.size())));
        }
        return group.keys.size();
    }

    private boolean counts(Leftover place) {
        return switch (place) {
            case Leftover.Upload _ -> false;
            case Leftover.OfAttempt attempt ->
                    database.inTransaction(ACTOR, handle -> counts(handle, attempt));
            case Leftover.Tokens tokens ->
                    database.inTransaction(
                            ACTOR,
                            handle ->
                                    handle.createQuery(FILE_COUNTS)
                                            .bind("tenant", tokens.tenant())
                                            .bind(
                                                    "sha256",
                                                    HexFormat.of().parseHex(tokens.sha256()))
                                            .mapTo(Boolean.class)
                                            .one());
            case Leftover.Findings findings -> counts(FINDINGS_COUNT, findings, findings.job());
            case Leftover.Import imported -> counts(IMPORT_COUNTS, imported, null);
            case Leftover.OfBatch part ->
                    database.inTransaction(
                            ACTOR,
                            handle ->
                                    handle.createQuery(BATCH_COUNTS)
                                            .bind("batch", part.batch())
                                            .mapTo(Boolean.class)
                                            .one());
        };
    }

    private boolean counts(String sql, Leftover place, @Nullable UUID id) {
        return database.inTransaction(
                ACTOR,
                handle ->
                        handle.createQuery(sql)
                                .bind("prefix", place.prefix())
                                .bind("id", id)
                                .mapTo(Boolean.class)
                                .one());
    }

    private static boolean counts(Handle handle, Leftover.OfAttempt attempt) {
        return handle.createQuery(ATTEMPT_COUNTS)
                .bind("manifest", attempt.prefix() + Manifest.FILE_NAME)
                .bind("lease", attempt.lease())
                .bind("prefix", attempt.prefix())
                .mapTo(Boolean.class)
                .one();
    }
}
