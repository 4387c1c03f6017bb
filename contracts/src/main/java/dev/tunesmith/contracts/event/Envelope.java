package dev.tunesmith.contracts.event;

import java.time.Instant;
import java.util.UUID;

/// What surrounds every message: version, identity, time.
///
/// The type of the message stands inside the payload. A repeated send keeps its id, so that the
/// receiver's inbox can drop it.
///
/// @param v version of the vocabulary
/// @param at when it was written, by the writer's clock; never used for decisions
public record Envelope(int v, UUID id, Instant at, Message payload) {
    /// The version that this code writes.
    public static final int VERSION = 1;

    public static Envelope of(UUID id, Instant at, Message payload) {
        return new Envelope(VERSION, id, at, payload);
    }
}
