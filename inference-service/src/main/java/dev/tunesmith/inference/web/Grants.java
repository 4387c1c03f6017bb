package dev.tunesmith.inference.web;

import dev.tunesmith.contracts.serving.ServingGrant;
import jakarta.inject.Singleton;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/// Admits what api-service has signed, and nothing else.
@Singleton
public final class Grants {
    private static final Logger LOG = Logger.getLogger(Grants.class);

    private final byte[] key;
    private final Clock clock;

    Grants(GrantSettings settings, Clock clock) {
        this.key = settings.key().getBytes(StandardCharsets.UTF_8);
        this.clock = clock;
    }

    /// The grant in the header.
    ///
    /// @throws Refusal when it is missing, forged or over
    public ServingGrant check(@Nullable String header) {
        if (header == null) {
            throw Refusal.notGranted();
        }
        return switch (ServingGrant.verify(header, key, clock.instant())) {
            case ServingGrant.Valid(ServingGrant grant) -> grant;
            case ServingGrant.Refused(String reason) -> {
                LOG.warnf("refused a grant: %s", reason);
                throw Refusal.notGranted();
            }
        };
    }
}
