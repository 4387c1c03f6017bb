package dev.tunesmith.scheduler;

import dev.tunesmith.platform.objects.S3Objects;
import dev.tunesmith.platform.sql.Database;
import io.agroal.api.AgroalDataSource;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import org.jspecify.annotations.Nullable;

/// Starts the scheduler with the service and stops it before the pool closes.
@Singleton
public final class Wiring {
    private final SchedulerSettings settings;
    private final AgroalDataSource source;
    private @Nullable S3Objects objects;
    private @Nullable Scheduler scheduler;

    Wiring(SchedulerSettings settings, AgroalDataSource source) {
        this.settings = settings;
        this.source = source;
    }

    void start(@Observes StartupEvent event) {
        objects = S3Objects.open(settings.credentials());
        scheduler =
                Scheduler.start(
                        new Database(source),
                        settings.kafka().bootstrap(),
                        objects,
                        settings.times(),
                        settings.usualPrice());
    }

    void stop(@Observes ShutdownEvent event) {
        if (scheduler != null) {
            scheduler.close();
        }
        if (objects != null) {
            objects.close();
        }
    }
}
