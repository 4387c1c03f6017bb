package dev.tunesmith.inference;

import dev.tunesmith.engine.decode.Batcher;
import dev.tunesmith.engine.gguf.DecodingWeights;
import dev.tunesmith.engine.tensor.Device;
import dev.tunesmith.inference.weights.ServingSettings;
import dev.tunesmith.platform.objects.ObjectStore;
import jakarta.enterprise.inject.Disposes;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.time.Clock;
import org.jboss.logging.Logger;

/// What the service is made of besides its resources.
@Singleton
public final class Wiring {
    private static final Logger LOG = Logger.getLogger(Wiring.class);

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

    /// What this process computes on from now on.
    @Produces
    @Singleton
    Device device(ServingSettings settings) {
        Device device = Device.named(settings.device());
        if (device != Device.CPU) {
            Device.use(device);
        }
        DecodingWeights.named(settings.weights()).requireOn(device);
        return device;
    }

    /// @param device chosen before the thread that works on it
    @Produces
    @Singleton
    Batcher batcher(ServingSettings settings, Device device) {
        LOG.infof(
                "answers are computed on %s with weights in %s",
                device.describe(), settings.weights());
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
