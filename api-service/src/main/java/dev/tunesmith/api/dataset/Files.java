package dev.tunesmith.api.dataset;

import dev.tunesmith.contracts.id.FileId;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.sql.Database;
import jakarta.inject.Singleton;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/// The rows of files.
///
/// Files with equal bytes share one object within their tenant. Adding and deleting a file take a
/// lock on that object, so that the last delete cannot take it away under a new row.
@Singleton
public final class Files {
    private static final String COLUMNS =
            "file_id, purpose, filename, bytes, sha256, object_key, report, created_at, expires_at";

    private final Database database;

    Files(Database database) {
        this.database = database;
    }

    /// One page to be read.
    ///
    /// @param purpose only files for this; null for all
    /// @param after id behind which the page starts; null for the first page
    record Query(@Nullable String purpose, @Nullable FileId after, boolean ascending, int limit) {}

    /// What became of a delete.
    enum Deletion {
        DONE,
        UNKNOWN,
        IN_USE
    }

    /// Adds a row, if its object still exists.
    ///
    /// @param objectExists asked under the object's lock
    /// @return whether the row was added
    boolean add(TenantId tenant, String actor, StoredFile file, BooleanSupplier objectExists) {
        return database.inTenant(
                tenant,
                actor,
                handle -> {
                    lockObject(handle, file.content().key());
                    if (!objectExists.getAsBoolean()) {
                        return false;
                    }
                    insert(handle, tenant, file);
                    return true;
                });
    }

    private static void insert(Handle handle, TenantId tenant, StoredFile file) {
        Optional<String> details = file.isProcessed() ? Optional.empty() : file.refusal();
        handle.createUpdate(
                        """
                        INSERT INTO file (file_id, tenant_id, purpose, filename, bytes, sha256, object_key,
                          state, status_details, format, row_count, report, created_at, processed_at, expires_at)
                        VALUES (:id, :tenant, :purpose, :filename, :bytes, :sha256, :key,
                          :state, :details, :format, :rows, CAST(:report AS jsonb), :created, now(), :expires)
                        """)
                .bind("id", file.id().value())
                .bind("tenant", tenant.value())
                .bind("purpose", file.origin().purpose())
                .bind("filename", file.origin().filename())
                .bind("bytes", file.content().bytes())
                .bind("sha256", HexFormat.of().parseHex(file.content().sha256()))
                .bind("key", file.content().key())
                .bind("state", file.isProcessed() ? "PROCESSED" : "ERROR")
                .bind("details", details.orElse(null))
                .bind("format", file.report().format())
                .bind("rows", file.report().rows())
                .bind("report", Json.text(file.report()))
                .bind("created", file.createdAt())
                .bind("expires", file.origin().expiresAt())
                .execute();
    }

    /// Whether an id is taken, also by a file that was deleted.
    boolean exists(TenantId tenant, String actor, FileId id) {
        return database.inTenant(
                tenant,
                actor,
                handle ->
                        handle.createQuery(
                                        """
                                        SELECT EXISTS (SELECT 1 FROM file
                                          WHERE tenant_id = :tenant AND file_id = :id)
                                        """)
                                .bind("tenant", tenant.value())
                                .bind("id", id.value())
                                .mapTo(Boolean.class)
                                .one());
    }

    public Optional<StoredFile> find(TenantId tenant, String actor, FileId id) {
        return database.inTenant(tenant, actor, handle -> find(handle, tenant, id));
    }

    /// The same within a transaction that is already under way.
    public static Optional<StoredFile> find(Handle handle, TenantId tenant, FileId id) {
        return handle.createQuery(
                        """
                        SELECT %s
                        FROM file
                        WHERE tenant_id = :tenant AND file_id = :id AND deleted_at IS NULL
                          AND (expires_at IS NULL OR expires_at > now())
                        """
                                .formatted(COLUMNS))
                .bind("tenant", tenant.value())
                .bind("id", id.value())
                .map((row, _) -> file(row))
                .findOne();
    }

    /// The newest file for training that was uploaded with this name.
    public static Optional<FileId> named(Handle handle, TenantId tenant, String filename) {
        return handle.createQuery(
                        """
                        SELECT file_id
                        FROM file
                        WHERE tenant_id = :tenant AND filename = :filename AND purpose = :purpose
                          AND deleted_at IS NULL AND (expires_at IS NULL OR expires_at > now())
                        ORDER BY created_at DESC, file_id DESC
                        LIMIT 1
                        """)
                .bind("tenant", tenant.value())
                .bind("filename", filename)
                .bind("purpose", Purpose.FINE_TUNE)
                .mapTo(UUID.class)
                .findOne()
                .map(FileId::new);
    }

    /// One row more than the limit, where there is one.
    List<StoredFile> list(TenantId tenant, String actor, Query query) {
        String direction = query.ascending() ? "ASC" : "DESC";
        String comparison = query.ascending() ? ">" : "<";
        FileId after = query.after();
        return database.inTenant(
                tenant,
                actor,
                handle ->
                        handle.createQuery(
                                        """
                                        SELECT %s
                                        FROM file
                                        WHERE tenant_id = :tenant AND deleted_at IS NULL
                                          AND (expires_at IS NULL OR expires_at > now())
                                          AND (CAST(:purpose AS text) IS NULL OR purpose = :purpose)
                                          AND (CAST(:after AS uuid) IS NULL OR file_id %s :after)
                                        ORDER BY file_id %s
                                        LIMIT :limit
                                        """
                                                .formatted(COLUMNS, comparison, direction))
                                .bind("tenant", tenant.value())
                                .bind("purpose", query.purpose())
                                .bind("after", after == null ? null : after.value())
                                .bind("limit", query.limit() + 1)
                                .map((row, _) -> file(row))
                                .list());
    }

    /// Deletes the row, and calls back under the object's lock when nothing has the object any
    /// more: no other file, and no job that wrote it as a part of its result.
    Deletion delete(
            TenantId tenant, String actor, FileId id, java.util.function.Consumer<String> last) {
        return database.inTenant(
                tenant,
                actor,
                handle -> {
                    Optional<StoredFile> file = find(handle, tenant, id);
                    if (file.isEmpty()) {
                        return Deletion.UNKNOWN;
                    }
                    String key = file.get().content().key();
                    lockObject(handle, key);
                    if (isInUse(handle, tenant, id)) {
                        return Deletion.IN_USE;
                    }
                    markDeleted(handle, tenant, id);
                    if (Intake.isDataset(tenant, key) && !isReferenced(handle, tenant, key)) {
                        last.accept(key);
                    }
                    return Deletion.DONE;
                });
    }

    private static boolean isInUse(Handle handle, TenantId tenant, FileId id) {
        return handle.createQuery(
                        """
                        SELECT EXISTS (SELECT 1 FROM job
                          WHERE tenant_id = :tenant AND finished_at IS NULL
                            AND (training_file = :id OR validation_file = :id
                              OR spec -> 'training' -> 'data' -> 'files' @> CAST(:entry AS jsonb)))
                          OR EXISTS (SELECT 1 FROM batch
                            WHERE tenant_id = :tenant AND finished_at IS NULL AND input_file = :id)
                        """)
                .bind("tenant", tenant.value())
                .bind("id", id.value())
                .bind("entry", Json.text(List.of(Map.of("file", id.wire()))))
                .mapTo(Boolean.class)
                .one();
    }

    private static void markDeleted(Handle handle, TenantId tenant, FileId id) {
        handle.createUpdate(
                        """
                        UPDATE file SET deleted_at = now()
                        WHERE tenant_id = :tenant AND file_id = :id AND deleted_at IS NULL
                        """)
                .bind("tenant", tenant.value())
                .bind("id", id.value())
                .execute();
    }

    private static boolean isReferenced(Handle handle, TenantId tenant, String key) {
        return handle.createQuery(
                        """
                        SELECT EXISTS (SELECT 1 FROM file
                          WHERE tenant_id = :tenant AND object_key = :key AND deleted_at IS NULL)
                        """)
                .bind("tenant", tenant.value())
                .bind("key", key)
                .mapTo(Boolean.class)
                .one();
    }

    private static void lockObject(Handle handle, String key) {
        handle.execute("SELECT pg_advisory_xact_lock(hashtextextended(?, 11))", key);
    }

    private static StoredFile file(ResultSet row) throws SQLException {
        Timestamp expires = row.getTimestamp("expires_at");
        return new StoredFile(
                new FileId(row.getObject("file_id", UUID.class)),
                new StoredFile.Origin(
                        row.getString("purpose"),
                        row.getString("filename"),
                        expires == null ? null : expires.toInstant()),
                new StoredFile.Content(
                        row.getString("object_key"),
                        row.getLong("bytes"),
                        HexFormat.of().formatHex(row.getBytes("sha256"))),
                report(row.getString("report")),
                row.getTimestamp("created_at").toInstant());
    }

    /// Files that the platform itself wrote have no report.
    private static RowReport report(String json) {
        return json.equals("{}") ? RowReport.UNCHECKED : Json.read(json, RowReport.class);
    }
}
