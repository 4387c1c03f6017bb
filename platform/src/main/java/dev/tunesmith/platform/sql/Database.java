package dev.tunesmith.platform.sql;

import dev.tunesmith.contracts.id.TenantId;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.time.Duration;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.JdbiException;
import org.jdbi.v3.postgres.PostgresPlugin;
import org.jspecify.annotations.Nullable;
import org.postgresql.ds.PGSimpleDataSource;
import org.postgresql.util.PSQLException;

/// Transactions on PostgreSQL. There is no other way to a statement, so every statement runs under
/// a named actor and, for the API, inside one tenant.
///
/// Tenant and actor are set for the transaction only (`set_config(…, true)`): a pooled connection
/// carries nothing over to its next borrower. Deadlocks and serialization failures are tried again,
/// [#TRIES_MAX] times in all; the work must therefore have no effect outside the transaction.
public final class Database {
    /// How often a transaction is tried in all.
    public static final int TRIES_MAX = 5;

    /// The third argument ends the setting with the transaction.
    static final String SET_LOCAL = "SELECT set_config(:name, :value, true)";

    private static final Duration PAUSE_MAX = Duration.ofMillis(50);
    private static final Set<String> RETRYABLE = Set.of("40001", "40P01");

    private final Jdbi jdbi;
    private final Supplier<String> context;

    /// Transactions on the connections of a pool.
    public Database(DataSource source) {
        this(source, () -> "");
    }

    /// Transactions whose changes are recorded with what is known of the request at hand.
    ///
    /// @param context asked by the thread that begins a transaction: a JSON object, or empty
    public Database(DataSource source, Supplier<String> context) {
        this.jdbi = Jdbi.create(source).installPlugin(new PostgresPlugin());
        this.context = context;
    }

    /// Transactions on a new connection each, for tools and tests.
    public static Database connect(String url, String user, String password) {
        var source = new PGSimpleDataSource();
        source.setUrl(url);
        source.setUser(user);
        source.setPassword(password);
        return new Database(source);
    }

    /// Runs the work in one transaction that sees only the rows of one tenant.
    ///
    /// @param actor who is recorded as the author of what changes: a key id, a service name
    public <T> T inTenant(TenantId tenant, String actor, Function<Handle, T> work) {
        return inTransaction(
                actor,
                handle -> {
                    setLocal(handle, "app.tenant", tenant.value().toString());
                    return work.apply(handle);
                });
    }

    /// Runs the work in one transaction that sees only the rows of one tenant.
    public void useTenant(TenantId tenant, String actor, Consumer<Handle> work) {
        inTenant(
                tenant,
                actor,
                handle -> {
                    work.accept(handle);
                    return true;
                });
    }

    /// Runs the work in one transaction as an operator of the platform, who may besides the rows of
    /// `tenant` write those that belong to the platform itself: base models.
    public <T> T asOperator(TenantId tenant, String actor, Function<Handle, T> work) {
        return inTenant(
                tenant,
                actor,
                handle -> {
                    setLocal(handle, "app.operator", "on");
                    return work.apply(handle);
                });
    }

    /// Runs the work in one transaction without a tenant: for the control roles, which see all
    /// tenants. The API's role sees no tenant's row in it.
    public <T> T inTransaction(String actor, Function<Handle, T> work) {
        String known = context.get();
        for (int tries = 1; ; tries++) {
            try {
                return jdbi.inTransaction(handle -> {
                    setLocal(handle, "app.actor", actor);
                    if (!known.isEmpty()) {
                        setLocal(handle, "app.context", known);
                    }
                    return work.apply(handle);
                });
            } catch (JdbiException e) {
                if (tries == TRIES_MAX || !isRetryable(e)) {
                    throw e;
                }
                pause(tries);
            }
        }
    }

    /// Runs the work in one transaction without a tenant.
    public void useTransaction(String actor, Consumer<Handle> work) {
        inTransaction(
                actor,
                handle -> {
                    work.accept(handle);
                    return true;
                });
    }

    /// Sets a variable until the end of the handle's transaction. Statements that end a lease set
    /// `app.exit_class` with it.
    public static void setLocal(Handle handle, String name, String value) {
        handle.createQuery(SET_LOCAL)
                .bind("name", name)
                .bind("value", value)
                .mapTo(String.class)
                .one();
    }

    /// Whether the failure is about the way to the database, not about the statement: it is away,
    /// starts, stops, or the pool is exhausted. The same work may succeed later.
    public static boolean isOutage(Throwable failure) {
        return causes(failure)
                .anyMatch(cause ->
                        cause instanceof SQLTransientConnectionException
                                || (cause instanceof SQLException sql
                                        && isOutageState(sql.getSQLState())));
    }

    /// Whether a statement waited for a lock longer than its login may.
    public static boolean isLockTimeout(Throwable failure) {
        return causes(failure)
                .anyMatch(cause ->
                        cause instanceof SQLException sql && "55P03".equals(sql.getSQLState()));
    }

    /// Whether the failure names this constraint of the schema.
    public static boolean violates(Throwable failure, String constraint) {
        return causes(failure)
                .anyMatch(cause ->
                        cause instanceof PSQLException sql
                                && sql.getServerErrorMessage() != null
                                && constraint.equals(sql.getServerErrorMessage().getConstraint()));
    }

    Jdbi jdbi() {
        return jdbi;
    }

    /// Class 08 connection, 53 resources, 57P shutdown and start-up; no state at all is the
    /// driver's word for a pool that timed out.
    private static boolean isOutageState(@Nullable String state) {
        return state == null
                || state.startsWith("08")
                || state.startsWith("53")
                || state.startsWith("57P");
    }

    private static boolean isRetryable(Throwable failure) {
        return causes(failure)
                .anyMatch(cause ->
                        cause instanceof SQLException sql
                                && sql.getSQLState() != null
                                && RETRYABLE.contains(sql.getSQLState()));
    }

    private static Stream<Throwable> causes(Throwable failure) {
        return Stream.iterate(failure, Objects::nonNull, Throwable::getCause).limit(20);
    }

    private static void pause(int tries) {
        try {
            Thread.sleep(ThreadLocalRandom.current().nextLong(1, PAUSE_MAX.toMillis() * tries));
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
