package dev.tunesmith.scheduler.sweep;

import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.objects.ObjectStore;
import dev.tunesmith.platform.objects.ObjectStoreException;
import dev.tunesmith.platform.sql.Database;
import java.time.Clock;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Writes where each tenant's audit log ends into the object store, once an hour and create-only:
/// whoever could rewrite the table could not rewrite these.
public final class AuditHeads implements Runnable {
    public static final Duration EVERY = Duration.ofMinutes(10);

    private static final Logger log = LoggerFactory.getLogger(AuditHeads.class);
    private static final DateTimeFormatter HOUR =
            DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH").withZone(ZoneOffset.UTC);

    private static final String HEADS =
            """
            SELECT DISTINCT ON (tenant_id) tenant_id, seq, encode(sha256, 'hex') AS sha256
            FROM audit_log
            ORDER BY tenant_id, seq DESC
            """;

    private final Database database;
    private final ObjectStore objects;
    private final Clock clock;

    public AuditHeads(Database database, ObjectStore objects, Clock clock) {
        this.database = database;
        this.objects = objects;
        this.clock = clock;
    }

    private record Head(String tenant, long seq, String sha256) {}

    @Override
    public void run() {
        List<Head> heads =
                database.inTransaction(
                        "scheduler/audit",
                        handle ->
                                handle.createQuery(HEADS)
                                        .map((row, _) ->
                                                new Head(
                                                        row.getString("tenant_id"),
                                                        row.getLong("seq"),
                                                        row.getString("sha256")))
                                        .list());
        heads.forEach(this::write);
    }

    private void write(Head head) {
        String key = "audit/%s/%s".formatted(head.tenant(), HOUR.format(clock.instant()));
        try {
            if (objects.head(key).isEmpty()) {
                byte[] content = Json.canonical(Map.of("seq", head.seq(), "sha256", head.sha256()));
                objects.put(key, content);
            }
        } catch (ObjectStoreException e) {
            log.warn("the head of an audit log is not written yet: {}", e.getMessage());
        }
    }
}
