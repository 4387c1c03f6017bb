package dev.tunesmith.migrations;

import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.standalone.TestStack;
import java.security.SecureRandom;
import java.util.UUID;

/// A migrated database with two tenants, and the logins to look at it.
///
/// @param mine quota 2
/// @param other quota 2
record Schema(Owner owner, TenantId mine, TenantId other) {
    private static final String PASSWORD = "test";

    static Schema fresh() {
        TestStack stack = TestStack.shared();
        String name = stack.database(url -> Migrate.apply(Owner.embedded(url, stack.secret())));
        Owner owner = Owner.embedded(stack.postgres().url(name), stack.secret());
        Logins.set(owner, PASSWORD, PASSWORD);
        var seed = new Seed(owner, "pepper", new SecureRandom());
        return new Schema(
                owner,
                seed.tenant(seed.organization("one", "One"), "one", 2),
                seed.tenant(seed.organization("two", "Two"), "two", 2));
    }

    /// api-service without a tenant.
    Sql api() {
        return Sql.as(owner, Logins.API, PASSWORD);
    }

    /// api-service inside a tenant.
    Sql api(TenantId tenant) {
        return api().with("app.tenant", tenant.value().toString());
    }

    Sql scheduler() {
        return Sql.as(owner, Logins.SCHEDULER, PASSWORD).with("app.actor", "test");
    }

    /// A job as a client submits it, in state VALIDATING.
    UUID submit(TenantId tenant, int gpus) {
        UUID job = UUID.randomUUID();
        api(tenant)
                .update(
                        """
                        INSERT INTO job (job_id, tenant_id, spec, spec_sha256, gpus)
                        VALUES ('%s', '%s', '{}', sha256('x'), %d)
                        """
                                .formatted(job, tenant.value(), gpus));
        return job;
    }

    /// A job that waits for a place.
    UUID queued(TenantId tenant) {
        UUID job = submit(tenant, 1);
        move(job, "QUEUED");
        return job;
    }

    /// Moves a job to a state, with every column as the state wants it.
    void move(UUID job, String state) {
        int rows = scheduler().update(Moves.to(state) + " WHERE job_id = '" + job + "'");
        if (rows != 1) {
            throw new AssertionError("no job " + job);
        }
    }

    /// One column of a job, as text.
    String job(UUID job, String column) {
        return scheduler().one("SELECT %s FROM job WHERE job_id = '%s'".formatted(column, job));
    }
}
