package dev.tunesmith.scheduler.lease;

import dev.tunesmith.contracts.id.Attempt;
import java.time.Instant;

/// One lease as the reaper sees it.
///
/// @param owner `host/boot`, or [#UNCLAIMED] while only dispatched
public record HeldLease(Attempt attempt, String owner, Instant expiresAt) {

    public static final String UNCLAIMED = "unclaimed";

    public boolean taken() {
        return !owner.equals(UNCLAIMED);
    }
}
