package dev.tunesmith.migrations;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.id.ApiKey;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.standalone.TestStack;
import java.io.IOException;
import java.io.Reader;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.Properties;
import java.util.UUID;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("servers")
final class MigrateTest {
    private static final TestStack STACK = TestStack.shared();

    @Test
    void appliesToAnEmptyDatabaseAndMayBeRepeated() {
        Owner owner = empty();

        Migrate.apply(owner);
        Migrate.apply(owner);
        Logins.set(owner, "first", "first");
        Logins.set(owner, "second", "it's");

        assertThat(Sql.as(owner, "api", "second").one("SELECT current_user")).isEqualTo("api");
        assertThat(Sql.as(owner, "scheduler", "it's").one("SHOW statement_timeout"))
                .isEqualTo("5s");
    }

    @Test
    void keepsWhatIsInAFilledDatabase() {
        Owner owner = empty();
        Flyway.configure()
                .dataSource(owner.url(), owner.user(), owner.password())
                .target("002")
                .load()
                .migrate();
        Logins.set(owner, "test", "test");
        var seed = new Seed(owner, "pepper", new SecureRandom());
        TenantId tenant = seed.tenant(seed.organization("one", "One"), "one", 1);
        UUID job = new Schema(owner, tenant, tenant).queued(tenant);

        Migrate.apply(owner);

        assertThat(new Schema(owner, tenant, tenant).job(job, "state")).isEqualTo("QUEUED");
    }

    @Test
    void demoKeysAreMadeOnceAndReadableByTheirOwnerOnly(@TempDir Path folder) throws IOException {
        Owner owner = empty();
        Migrate.apply(owner);
        var seed = new Seed(owner, "pepper", new SecureRandom());
        Path file = folder.resolve("keys.properties");

        DemoTenants.write(seed, file);
        String first = Files.readString(file);
        DemoTenants.write(seed, file);

        assertThat(keys(file)).isEqualTo(keys(first)).containsKeys("demo", "guest", "operator");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
    }

    @Test
    void aKeyThatTheDatabaseDoesNotKnowIsReplaced(@TempDir Path folder) throws IOException {
        Owner owner = empty();
        Migrate.apply(owner);
        Path file = folder.resolve("keys.properties");
        String stray = ApiKey.generate("live", new SecureRandom()).text();
        Files.writeString(file, "demo=" + stray);

        DemoTenants.write(new Seed(owner, "pepper", new SecureRandom()), file);

        assertThat(keys(file).getProperty("demo")).startsWith("tsk_live_").isNotEqualTo(stray);
    }

    private static Owner empty() {
        String name = STACK.emptyDatabase();
        return Owner.embedded(STACK.postgres().url(name), STACK.secret());
    }

    private static Properties keys(Path file) throws IOException {
        return keys(Files.readString(file));
    }

    private static Properties keys(String text) throws IOException {
        var keys = new Properties();
        try (Reader reader = new StringReader(text)) {
            keys.load(reader);
        }
        return keys;
    }
}
