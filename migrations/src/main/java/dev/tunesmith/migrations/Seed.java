package dev.tunesmith.migrations;

import dev.tunesmith.contracts.id.ApiKey;
import dev.tunesmith.contracts.id.OrganizationId;
import dev.tunesmith.contracts.id.TenantId;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.random.RandomGenerator;

/// Creates organizations, tenants and keys, as role `ts_admin`. Until there is an administration
/// API this is the only way to make them.
public final class Seed {
    /// May call everything that belongs to its tenant.
    public static final String SCOPE_ALL = "all";

    /// May besides write what belongs to the platform: base models.
    public static final String SCOPE_OPERATOR = "operator";

    /// The version of the pepper that new keys are hashed with.
    public static final int PEPPER_VERSION = 1;

    private static final String ENVIRONMENT = "live";
    private static final int VALID_DAYS = 365;

    private final Owner owner;
    private final String pepper;
    private final RandomGenerator random;

    /// @param random a cryptographically strong one
    public Seed(Owner owner, String pepper, RandomGenerator random) {
        this.owner = owner;
        this.pepper = pepper;
        this.random = random;
    }

    /// Work on a connection whose transaction has the rights of `ts_admin`.
    private interface Work<T> {
        T on(Connection connection) throws SQLException;
    }

    /// The organization of this slug, created if it is missing.
    public OrganizationId organization(String slug, String name) {
        UUID id =
                asAdmin(connection ->
                        findOrCreate(
                                connection,
                                "SELECT org_id FROM organization WHERE slug = ?",
                                slug,
                                """
                                INSERT INTO organization (org_id, slug, name)
                                VALUES (?, ?, ?)
                                """,
                                List.of(slug, name)));
        return new OrganizationId(id);
    }

    /// The tenant of this name, created if it is missing.
    ///
    /// @param gpuQuota how many devices its jobs may hold at once
    public TenantId tenant(OrganizationId organization, String name, int gpuQuota) {
        UUID id =
                asAdmin(connection ->
                        findOrCreate(
                                connection,
                                "SELECT tenant_id FROM tenant WHERE name = ?",
                                name,
                                """
                                INSERT INTO tenant (tenant_id, name, org_id, gpu_quota)
                                VALUES (?, ?, ?, ?)
                                """,
                                List.of(name, organization.value(), gpuQuota)));
        return new TenantId(id);
    }

    /// A new key of the tenant, valid for a year. The result is the only copy of its secret.
    public ApiKey key(TenantId tenant, UUID principal, String name, List<String> scopes) {
        ApiKey key = ApiKey.generate(ENVIRONMENT, random);
        return asAdmin(connection -> {
            Array scopeArray = connection.createArrayOf("text", scopes.toArray());
            execute(
                    connection,
                    """
                    INSERT INTO api_key (key_id, tenant_id, principal, secret_mac,
                        pepper_version, scopes, expires_at, name, last_four)
                    VALUES (?, ?, ?, ?, ?, ?, now() + make_interval(days => ?), ?, ?)
                    """,
                    List.of(
                            key.id(),
                            tenant.value(),
                            principal,
                            key.mac(pepper),
                            PEPPER_VERSION,
                            scopeArray,
                            VALID_DAYS,
                            name,
                            key.lastFour()));
            return key;
        });
    }

    /// Whether the database has this key, valid or not.
    public boolean knows(ApiKey key) {
        return asAdmin(connection -> {
            try (PreparedStatement query =
                    connection.prepareStatement("SELECT 1 FROM api_key WHERE key_id = ?")) {
                query.setString(1, key.id());
                try (ResultSet row = query.executeQuery()) {
                    return row.next();
                }
            }
        });
    }

    private UUID findOrCreate(
            Connection connection,
            String find,
            String name,
            String create,
            List<Object> valuesAfterId)
            throws SQLException {
        try (PreparedStatement query = connection.prepareStatement(find)) {
            query.setString(1, name);
            try (ResultSet row = query.executeQuery()) {
                if (row.next()) {
                    return row.getObject(1, UUID.class);
                }
            }
        }
        var id = new UUID(random.nextLong(), random.nextLong());
        var values = new ArrayList<Object>(List.of(id));
        values.addAll(valuesAfterId);
        execute(connection, create, values);
        return id;
    }

    private static int execute(Connection connection, String sql, List<Object> values)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < values.size(); i++) {
                statement.setObject(i + 1, values.get(i));
            }
            return statement.executeUpdate();
        }
    }

    private <T> T asAdmin(Work<T> work) {
        try (Connection connection = owner.connect();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("SET LOCAL ROLE ts_admin");
            T result = work.on(connection);
            connection.commit();
            return result;
        } catch (SQLException e) {
            throw new IllegalStateException("cannot administrate with " + owner, e);
        }
    }
}
