package dev.tunesmith.api;

import dev.tunesmith.api.web.RequestOrigin;
import dev.tunesmith.contracts.id.Ids;
import dev.tunesmith.platform.objects.ObjectStore;
import dev.tunesmith.platform.sql.Database;
import io.agroal.api.AgroalDataSource;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.security.SecureRandom;
import java.time.Clock;

/// What the service is made of besides its resources and stores.
@Singleton
public final class Wiring {
    @Produces
    @Singleton
    Database database(AgroalDataSource source, RequestOrigin origin) {
        return new Database(source, origin::text);
    }

    @Produces
    @Singleton
    ObjectStore objects(ObjectSettings settings) {
        return settings.open();
    }

    @Produces
    @Singleton
    Clock clock() {
        return Clock.systemUTC();
    }

    @Produces
    @Singleton
    Ids ids(Clock clock) {
        return new Ids(clock, new SecureRandom());
    }
}
