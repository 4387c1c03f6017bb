package dev.tunesmith.api.testing;

import dev.tunesmith.contracts.id.ApiKey;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.migrations.Logins;
import dev.tunesmith.migrations.Migrate;
import dev.tunesmith.migrations.Owner;
import dev.tunesmith.migrations.Seed;
import dev.tunesmith.standalone.TestStack;
import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import java.security.SecureRandom;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/// Starts what the service needs, once for all test classes, and makes two tenants that must not
/// see each other.
public final class ApiTestResource implements QuarkusTestResourceLifecycleManager {
    private static final String PEPPER = "pepper of the tests";

    private final TestingInference inference = new TestingInference();

    @Override
    public Map<String, String> start() {
        TestStack stack = TestStack.shared();
        String database = stack.database(url -> Migrate.apply(Owner.embedded(url, stack.secret())));
        String url = stack.postgres().url(database);
        Owner owner = Owner.embedded(url, stack.secret());
        Logins.set(owner, stack.secret(), stack.secret());
        var settings = new HashMap<String, String>();
        settings.put("tunesmith.sql.url", url);
        settings.put("tunesmith.sql.user", Logins.API);
        settings.put("tunesmith.sql.password", stack.secret());
        settings.put("tunesmith.objects.endpoint", stack.endpoint());
        settings.put("tunesmith.objects.access-key", TestStack.ACCESS_KEY);
        settings.put("tunesmith.objects.secret-key", stack.secret());
        settings.put("tunesmith.auth.pepper", PEPPER);
        settings.put("tunesmith.auth.cache-for", "1s");
        settings.put("tunesmith.grant.key", TestingInference.GRANT_KEY);
        settings.put("tunesmith.inference.url", inference.start());
        settings.put("tunesmith.inference.patience", "1s");
        settings.put("tunesmith.limits.json-body", "64K");
        settings.put("tunesmith.limits.file-form", "2M");
        settings.put("tunesmith.limits.ping", "1s");
        settings.put("tunesmith.batches.every", "PT0.2S");
        seed(new Seed(owner, PEPPER, new SecureRandom()), settings);
        return settings;
    }

    private static void seed(Seed seed, Map<String, String> settings) {
        TenantId demo = seed.tenant(seed.organization("demo", "Demo"), "demo", 4);
        TenantId guest = seed.tenant(seed.organization("guest", "Guest"), "guest", 4);
        settings.put("test.tenant.demo", demo.wire());
        settings.put("test.tenant.guest", guest.wire());
        settings.put("test.key.demo", key(seed, demo, List.of(Seed.SCOPE_ALL)));
        settings.put("test.key.guest", key(seed, guest, List.of(Seed.SCOPE_ALL)));
        settings.put(
                "test.key.operator", key(seed, demo, List.of(Seed.SCOPE_ALL, Seed.SCOPE_OPERATOR)));
        settings.put("test.key.inference", key(seed, demo, List.of("inference")));
        settings.put("test.key.revoked", key(seed, demo, List.of(Seed.SCOPE_ALL)));
        settings.put("test.key.unknown", ApiKey.generate("live", new SecureRandom()).text());
    }

    private static String key(Seed seed, TenantId tenant, List<String> scopes) {
        return seed.key(tenant, UUID.randomUUID(), "test", scopes).text();
    }

    @Override
    public void stop() {
        inference.stop();
    }
}
