package dev.tunesmith.api.tenant;

import dev.tunesmith.contracts.id.ApiKey;
import dev.tunesmith.contracts.id.OrganizationId;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.platform.sql.Database;
import jakarta.inject.Singleton;
import java.security.MessageDigest;
import java.sql.Array;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.jdbi.v3.core.Handle;

/// The API keys of all tenants. This is the only place that looks across tenants, and it sees the
/// one row whose key id was presented.
@Singleton
public final class Keys {
    private static final String ACTOR = "api:auth";

    private final Database database;
    private final AuthSettings settings;
    private final Clock clock;
    private final String pepper;
    private final Map<String, Known> known = new ConcurrentHashMap<>();

    Keys(Database database, AuthSettings settings, Clock clock) {
        this.database = database;
        this.settings = settings;
        this.clock = clock;
        this.pepper = settings.pepper();
    }

    /// What became of a key that was presented.
    sealed interface Verdict {
        record Accepted(Caller caller) implements Verdict {}

        /// Unknown, wrong, expired or revoked: the client is not told which.
        record Refused() implements Verdict {}
    }

    private record Known(Row row, Caller caller, Instant readAt) {}

    private record Row(
            TenantId tenant,
            UUID principal,
            String mac,
            Set<String> scopes,
            Instant expiresAt,
            boolean revoked) {
        private boolean hasMac(byte[] presented) {
            return MessageDigest.isEqual(HexFormat.of().parseHex(mac), presented);
        }
    }

    private record Tenant(OrganizationId organization, boolean active, boolean strictStatus) {}

    /// The verdict of an earlier check that is still fresh, without touching the database.
    Optional<Verdict> remembered(ApiKey key) {
        Known entry = known.get(key.id());
        Instant now = clock.instant();
        if (entry == null
                || !entry.readAt().plus(settings.cacheFor()).isAfter(now)
                || !entry.row().expiresAt().isAfter(now)
                || !entry.row().hasMac(key.mac(pepper))) {
            return Optional.empty();
        }
        return Optional.of(new Verdict.Accepted(entry.caller()));
    }

    /// Checks a key against its row. An unknown key id costs the same work as a wrong secret.
    Verdict check(ApiKey key) {
        byte[] mac = key.mac(pepper);
        Instant now = clock.instant();
        return database.inTransaction(
                ACTOR,
                handle -> {
                    Optional<Row> row = row(handle, key.id());
                    boolean good =
                            row.isPresent()
                                    && row.get().hasMac(mac)
                                    && !row.get().revoked()
                                    && row.get().expiresAt().isAfter(now);
                    if (!good) {
                        known.remove(key.id());
                        return new Verdict.Refused();
                    }
                    return admit(handle, key, row.get(), now);
                });
    }

    private Verdict admit(Handle handle, ApiKey key, Row row, Instant now) {
        Tenant tenant = tenant(handle, row.tenant());
        var caller =
                new Caller(
                        row.tenant(),
                        tenant.organization(),
                        key.id(),
                        row.principal(),
                        row.scopes(),
                        new Caller.Project(tenant.active(), tenant.strictStatus()));
        if (known.size() >= settings.cacheMax()) {
            known.clear();
        }
        known.put(key.id(), new Known(row, caller, now));
        return new Verdict.Accepted(caller);
    }

    private static Optional<Row> row(Handle handle, String keyId) {
        Database.setLocal(handle, "app.key_id", keyId);
        return handle.createQuery(
                        """
                        SELECT tenant_id, principal, secret_mac, scopes, expires_at, revoked_at
                        FROM api_key
                        WHERE key_id = :key AND pepper_version = 1
                        """)
                .bind("key", keyId)
                .map((found, _) -> row(found))
                .findOne();
    }

    private static Row row(ResultSet found) throws SQLException {
        Array scopes = found.getArray("scopes");
        return new Row(
                new TenantId(found.getObject("tenant_id", UUID.class)),
                found.getObject("principal", UUID.class),
                HexFormat.of().formatHex(found.getBytes("secret_mac")),
                Set.of((String[]) scopes.getArray()),
                found.getTimestamp("expires_at").toInstant(),
                found.getTimestamp("revoked_at") != null);
    }

    private static Tenant tenant(Handle handle, TenantId tenant) {
        Database.setLocal(handle, "app.tenant", tenant.value().toString());
        return handle.createQuery(
                        """
                        SELECT org_id, status, strict_status
                        FROM tenant
                        WHERE tenant_id = :tenant
                        """)
                .bind("tenant", tenant.value())
                .map((found, _) ->
                        new Tenant(
                                new OrganizationId(found.getObject("org_id", UUID.class)),
                                found.getString("status").equals("ACTIVE"),
                                found.getBoolean("strict_status")))
                .one();
    }
}
