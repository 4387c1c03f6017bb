package dev.tunesmith.scheduler.lease;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Whether this scheduler could have heard every host for one whole lease period. A scheduler that
/// was away, or cut off from broker or database, must not take its own deafness for dead hosts.
///
/// All instants come from one clock of this process; only differences are used.
public record ControlPlaneWatch(
        Duration lease,
        Duration fresh,
        @Nullable Instant since,
        @Nullable Instant readToEndAt,
        @Nullable String timeline) {

    /// A watch that has heard nothing yet.
    public static ControlPlaneWatch start(Duration lease, Duration fresh) {
        return new ControlPlaneWatch(lease, fresh, null, null, null);
    }

    /// The beats topic was read to its end, and everything read was applied to the database.
    public ControlPlaneWatch readToEnd(Instant now) {
        boolean unbroken = since != null && readToEndAt != null && isFresh(readToEndAt, now);
        return new ControlPlaneWatch(lease, fresh, unbroken ? since : now, now, timeline);
    }

    /// The database was seen on this timeline. Another one than before starts the period anew.
    public ControlPlaneWatch onTimeline(String seen) {
        boolean same = timeline == null || timeline.equals(seen);
        return new ControlPlaneWatch(lease, fresh, same ? since : null, readToEndAt, seen);
    }

    /// Why nobody may be reaped now; empty when silence may be believed.
    public Optional<String> doubt(Instant now) {
        if (since == null || readToEndAt == null) {
            return Optional.of("the beats were not read to their end since this scheduler began");
        }
        if (!isFresh(readToEndAt, now)) {
            return Optional.of("the beats were not read to their end within " + fresh);
        }
        Duration listened = Duration.between(since, now);
        if (listened.compareTo(lease) < 0) {
            return Optional.of(
                    "listened for %d ms of a lease of %d ms"
                            .formatted(listened.toMillis(), lease.toMillis()));
        }
        return Optional.empty();
    }

    private boolean isFresh(Instant then, Instant now) {
        return Duration.between(then, now).compareTo(fresh) <= 0;
    }
}
