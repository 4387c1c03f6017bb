package dev.tunesmith.api;

import dev.tunesmith.platform.objects.ObjectStore;
import dev.tunesmith.platform.objects.ObjectStoreException;
import jakarta.inject.Singleton;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;

/// Whether the object store answers. The database has a check of its own.
@Readiness
@Singleton
public final class ObjectStoreHealth implements HealthCheck {
    private static final String NAME = "object store";

    private final ObjectStore objects;

    ObjectStoreHealth(ObjectStore objects) {
        this.objects = objects;
    }

    @Override
    public HealthCheckResponse call() {
        try {
            boolean _ = objects.head("health").isPresent();
            return HealthCheckResponse.up(NAME);
        } catch (ObjectStoreException e) {
            return HealthCheckResponse.named(NAME).down().withData("code", e.code().name()).build();
        }
    }
}
