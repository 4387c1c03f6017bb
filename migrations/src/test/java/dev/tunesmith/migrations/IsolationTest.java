package dev.tunesmith.migrations;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.id.ApiKey;
import java.security.SecureRandom;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// One missing WHERE must not show one tenant to another.
@Tag("servers")
final class IsolationTest {
    private static Schema schema;

    @BeforeAll
    static void migrate() {
        schema = Schema.fresh();
    }

    @Test
    void everyTableWithATenantForcesBothPolicies() {
        List<String> open =
                asOwner()
                        .column(
                                """
                                SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
                                WHERE c.relkind IN ('r', 'p') AND a.attname = 'tenant_id' AND NOT a.attisdropped
                                  AND c.relnamespace = 'public'::regnamespace
                                  AND NOT (c.relrowsecurity AND c.relforcerowsecurity
                                    AND EXISTS (SELECT 1 FROM pg_policies p WHERE p.tablename = c.relname
                                      AND p.policyname = 'iso' AND p.roles = '{ts_api}' AND p.cmd = 'ALL'
                                      AND p.qual LIKE '%app.tenant%' AND p.with_check LIKE '%app.tenant%')
                                    AND EXISTS (SELECT 1 FROM pg_policies p WHERE p.tablename = c.relname
                                      AND p.policyname = 'control' AND p.roles = '{ts_scheduler}'))
                                """);

        assertThat(open).isEmpty();
        assertThat(tenantTables()).contains("job", "file", "api_key", "job_message");
    }

    @Test
    void whatElseTheApiMaySeeIsListedHere() {
        assertThat(
                        asOwner()
                                .column(
                                        """
                                        SELECT tablename || '.' || policyname FROM pg_policies
                                        WHERE 'ts_api' = ANY (roles) AND policyname <> 'iso' ORDER BY 1
                                        """))
                .containsExactly(
                        "api_key.presented",
                        "batch.waiting",
                        "model_version.platform_insert",
                        "model_version.platform_read",
                        "model_version.platform_update");
    }

    @Test
    void noRoleOfAServiceCanStepAroundThePolicies() {
        assertThat(
                        asOwner()
                                .column(
                                        """
                                        SELECT rolname FROM pg_roles
                                        WHERE (rolname LIKE 'ts\\_%' OR rolname IN ('api', 'scheduler', 'tunesmith'))
                                          AND (rolsuper OR rolbypassrls)
                                        """))
                .isEmpty();
        assertThat(
                        asOwner()
                                .column(
                                        """
                                        SELECT relname FROM pg_class
                                        WHERE relnamespace = 'public'::regnamespace
                                          AND pg_get_userbyid(relowner) <> 'tunesmith'
                                        """))
                .isEmpty();
    }

    @Test
    void theApiSeesNothingOfAnotherTenantAndNothingWithoutOne() {
        UUID job = schema.queued(schema.mine());
        schema.scheduler()
                .update(
                        """
                        INSERT INTO job_message (job_id, tenant_id, message) VALUES ('%s', '%s', 'hello')
                        """
                                .formatted(job, schema.mine().value()));

        assertThat(schema.api(schema.mine()).one(count("job_message"))).isEqualTo("1");
        for (String table : tenantTables()) {
            assertThat(schema.api().one(count(table) + " WHERE tenant_id IS NOT NULL"))
                    .as(table)
                    .isEqualTo("0");
        }
        for (String table : List.of("job", "job_event", "job_message")) {
            assertThat(schema.api(schema.other()).one(count(table))).as(table).isEqualTo("0");
        }
        assertThat(schema.api(schema.other()).update("UPDATE job SET desired = 'CANCEL'")).isZero();
        assertThat(schema.api().update("UPDATE job SET desired = 'CANCEL'")).isZero();
    }

    @Test
    void theApiCannotWriteIntoAnotherTenant() {
        assertThat(
                        schema.api(schema.other())
                                .failure(
                                        """
                                        INSERT INTO job (job_id, tenant_id, spec, spec_sha256)
                                        VALUES (gen_random_uuid(), '%s', '{}', sha256('x'))
                                        """
                                                .formatted(schema.mine().value())))
                .contains("row-level security");
    }

    @Test
    void aRowCannotPointIntoAnotherTenant() {
        UUID job = schema.submit(schema.mine(), 1);

        assertThat(
                        schema.scheduler()
                                .failure(
                                        """
                                        INSERT INTO job_message (job_id, tenant_id, message)
                                        VALUES ('%s', '%s', 'x')
                                        """
                                                .formatted(job, schema.other().value())))
                .contains("foreign key");
    }

    @Test
    void aPresentedKeyOpensItsOwnRowOnly() {
        var seed = new Seed(schema.owner(), "pepper", new SecureRandom());
        ApiKey key = seed.key(schema.mine(), UUID.randomUUID(), "a", List.of("all"));
        seed.key(schema.mine(), UUID.randomUUID(), "b", List.of("all"));

        assertThat(schema.api().with("app.key_id", key.id()).column("SELECT key_id FROM api_key"))
                .containsExactly(key.id());
        assertThat(schema.api().with("app.key_id", "none").one(count("api_key"))).isEqualTo("0");
    }

    @Test
    void everybodyReadsThePlatformsModelsAndOnlyAnOperatorWritesThem() {
        String insert =
                """
                INSERT INTO model_version (version_id, name, kind, object_prefix, manifest_key,
                  manifest_sha256, bytes)
                VALUES (gen_random_uuid(), 'nano', 'base', 'base/nano/1/', 'base/nano/1/M', sha256('m'), 1)
                """;

        assertThat(schema.api(schema.mine()).failure(insert)).contains("row-level security");
        schema.api(schema.mine()).with("app.operator", "on").update(insert);

        assertThat(schema.api(schema.other()).column("SELECT name FROM model_version"))
                .containsExactly("nano");
        assertThat(schema.api(schema.other()).update("UPDATE model_version SET deleted_at = now()"))
                .isZero();
    }

    private static List<String> tenantTables() {
        return asOwner()
                .column(
                        """
                        SELECT table_name FROM information_schema.columns
                        WHERE table_schema = 'public' AND column_name = 'tenant_id'
                          AND table_name NOT IN ('outbox')
                        """);
    }

    private static String count(String table) {
        return "SELECT count(*) FROM " + table;
    }

    private static Sql asOwner() {
        return Sql.as(schema.owner(), schema.owner().user(), schema.owner().password());
    }
}
