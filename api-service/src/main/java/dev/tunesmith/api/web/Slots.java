package dev.tunesmith.api.web;

import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.contracts.problem.ProblemCode;
import jakarta.inject.Singleton;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/// Counts what may happen only so often at the same time. Virtual threads hold nobody back, so long
/// requests take a slot.
@Singleton
public final class Slots {
    private final Limits limits;
    private final Map<String, Integer> taken = new ConcurrentHashMap<>();

    Slots(Limits limits) {
        this.limits = limits;
    }

    /// A right to go on, given back by closing it.
    public interface Slot extends AutoCloseable {
        @Override
        void close();
    }

    /// One more upload of a tenant.
    public Slot upload(TenantId tenant) {
        return take("upload " + tenant, limits.uploadsPerTenant(), "uploads of this project");
    }

    /// One more live event stream of a key.
    public Slot stream(String keyId) {
        return take("stream " + keyId, limits.streamsPerKey(), "event streams of this API key");
    }

    private Slot take(String name, int max, String what) {
        int now = taken.merge(name, 1, Integer::sum);
        if (now > max) {
            release(name);
            throw ApiException.of(
                    ProblemCode.RATE_LIMIT_EXCEEDED,
                    "The limit of %d %s at the same time is reached".formatted(max, what));
        }
        return () -> release(name);
    }

    private void release(String name) {
        taken.computeIfPresent(name, (_, count) -> count == 1 ? null : count - 1);
    }
}
