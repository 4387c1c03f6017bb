package dev.tunesmith.migrations;

import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Map;
import org.flywaydb.core.Flyway;

/// Brings a database up to date as its owner, gives the services their logins, and makes the demo
/// tenants of an embedded platform. Each of the three may be repeated.
///
/// It runs before the services start, never inside one of them: a service's login may not change
/// the schema.
public final class Migrate {
    private static final String OWNER = "tunesmith";

    private Migrate() {}

    /// Reads `TUNESMITH_SQL_URL`, `TUNESMITH_SQL_OWNER_PASSWORD`, `TUNESMITH_SQL_API_PASSWORD` and
    /// `TUNESMITH_SQL_SCHEDULER_PASSWORD`; `TUNESMITH_SQL_OWNER` names another owner. With
    /// `TUNESMITH_SEED_KEYS` and `TUNESMITH_AUTH_PEPPER` it makes the demo tenants and writes their
    /// keys into that file.
    public static void main(String[] arguments) {
        Map<String, String> environment = System.getenv();
        var owner =
                new Owner(
                        needed(environment, "TUNESMITH_SQL_URL"),
                        environment.getOrDefault("TUNESMITH_SQL_OWNER", OWNER),
                        needed(environment, "TUNESMITH_SQL_OWNER_PASSWORD"));
        apply(owner);
        Logins.set(
                owner,
                needed(environment, "TUNESMITH_SQL_API_PASSWORD"),
                needed(environment, "TUNESMITH_SQL_SCHEDULER_PASSWORD"));
        String keys = environment.getOrDefault("TUNESMITH_SEED_KEYS", "");
        if (!keys.isEmpty()) {
            var seed =
                    new Seed(
                            owner,
                            needed(environment, "TUNESMITH_AUTH_PEPPER"),
                            new SecureRandom());
            DemoTenants.write(seed, Path.of(keys));
        }
    }

    /// Applies every migration that the database has not seen.
    public static void apply(Owner owner) {
        Flyway.configure()
                .dataSource(owner.url(), owner.user(), owner.password())
                .locations("classpath:db/migration")
                .validateMigrationNaming(true)
                .failOnMissingLocations(true)
                .connectRetries(10)
                .load()
                .migrate();
    }

    private static String needed(Map<String, String> environment, String name) {
        String value = environment.getOrDefault(name, "");
        if (value.isEmpty()) {
            throw new IllegalArgumentException("the environment has no " + name);
        }
        return value;
    }
}
