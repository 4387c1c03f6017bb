package dev.tunesmith.scheduler;

import dev.tunesmith.contracts.survey.Price;
import dev.tunesmith.platform.objects.ObjectStore;
import dev.tunesmith.scheduler.lease.LeaseTimes;
import dev.tunesmith.scheduler.lease.SilenceRules;
import dev.tunesmith.scheduler.sweep.SweepTimes;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalDouble;

/// What this service was told.
@ConfigMapping(prefix = "tunesmith")
public interface SchedulerSettings {
    Sql sql();

    Kafka kafka();

    Objects objects();

    Lease lease();

    Periods scheduler();

    Prices price();

    /// The login of the scheduler; the pool itself is configured by the framework.
    interface Sql {
        String url();

        String user();

        String password();
    }

    /// The broker.
    interface Kafka {
        String bootstrap();
    }

    /// The object store.
    interface Objects {
        String endpoint();

        String accessKey();

        String secretKey();

        @WithDefault("tunesmith")
        String bucket();

        @WithDefault("us-east-1")
        String region();
    }

    /// What scheduler and trainer hosts must agree on.
    interface Lease {
        @WithDefault("PT60S")
        Duration period();

        @WithDefault("PT60S")
        Duration dispatch();

        @WithDefault("PT0S")
        Duration silenceGrace();

        @WithDefault("PT30M")
        Duration orphanGrace();
    }

    /// How often the scheduler looks.
    interface Periods {
        @WithDefault("PT5S")
        Duration reapEvery();

        @WithDefault("PT1S")
        Duration tickEvery();

        @WithDefault("PT5S")
        Duration beatsFresh();

        @WithDefault("PT35S")
        Duration hostFresh();

        @WithDefault("PT60S")
        Duration validateResend();

        @WithDefault("PT1H")
        Duration sweepEvery();

        /// What nothing refers to is left alone until it is that old.
        @WithDefault("PT24H")
        Duration sweepOlderThan();

        @WithDefault("PT10S")
        Duration backoff();

        @WithDefault("PT1H")
        Duration backoffMax();
    }

    /// What trained tokens cost, where a tenant has no price of its own.
    interface Prices {
        OptionalDouble perMillionTrainedTokens();

        @WithDefault("EUR")
        String currency();
    }

    default Optional<Price> usualPrice() {
        OptionalDouble million = price().perMillionTrainedTokens();
        return million.isPresent()
                ? Optional.of(new Price(million.getAsDouble(), price().currency()))
                : Optional.empty();
    }

    default SchedulerTimes times() {
        Periods periods = scheduler();
        return new SchedulerTimes(
                new LeaseTimes(
                        lease().period(),
                        lease().dispatch(),
                        periods.backoff(),
                        periods.backoffMax()),
                SilenceRules.of(lease().period(), lease().silenceGrace(), lease().orphanGrace()),
                periods.reapEvery(),
                periods.tickEvery(),
                periods.beatsFresh(),
                periods.hostFresh(),
                periods.validateResend(),
                new SweepTimes(periods.sweepEvery(), periods.sweepOlderThan()));
    }

    default ObjectStore.Credentials credentials() {
        return new ObjectStore.Credentials(
                objects().endpoint(),
                objects().bucket(),
                objects().region(),
                objects().accessKey(),
                objects().secretKey());
    }
}
