package dev.tunesmith.inference;

import dev.tunesmith.engine.decode.Batcher;
import dev.tunesmith.inference.weights.ServingSettings;
import dev.tunesmith.platform.objects.ObjectStore;
import jakarta.enterprise.inject.Disposes;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.time.Clock;

/// What the service is made of besides its resources.
@Singleton
public final class Wiring {
    @Produces
    @Singleton
    Clock clock() {
        return Clock.systemUTC();
    }

    @Produces
    @Singleton
    ObjectStore objects(ObjectSettings settings) {
        return settings.open();
    }

    @Produces
    @Singleton
    Batcher batcher(ServingSettings settings) {
        return new Batcher(
                new Batcher.Limits(
                        settings.runningMax(),
                        settings.waitingMax(),
                        settings.tokensPerStep(),
                        settings.drainSeconds()));
    }

    void stop(@Disposes Batcher batcher) {
        batcher.close();
    }
}
