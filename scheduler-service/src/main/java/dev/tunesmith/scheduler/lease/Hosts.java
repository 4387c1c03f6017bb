package dev.tunesmith.scheduler.lease;

import dev.tunesmith.contracts.event.Beat;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/// Trainer hosts as their beats describe them. Inside one transaction.
record Hosts(Handle handle) {

    /// What a beat says about the life of its host.
    enum Boot {
        /// The boot that the host is known to run.
        CURRENT,
        /// The host came back: everything of its earlier boots is dead.
        NEW,
        /// A late delivery from an earlier boot; it proves nothing.
        OLD
    }

    private static final String FIRST_SEEN =
            """
            INSERT INTO host_boot (host_id, boot) VALUES (:host, :boot)
            ON CONFLICT DO NOTHING RETURNING boot
            """;

    private static final String CURRENT = "SELECT boot FROM host WHERE host_id = :host FOR UPDATE";

    private static final String SEEN =
            """
            INSERT INTO host (host_id, boot, beat, flavor, slots_total, slots_free, memory_bytes)
            VALUES (:host, :boot, :beat, :flavor, :total, :free, :memory)
            ON CONFLICT (host_id) DO UPDATE SET boot = excluded.boot, beat = excluded.beat,
              flavor = excluded.flavor, slots_total = excluded.slots_total,
              slots_free = excluded.slots_free, memory_bytes = excluded.memory_bytes,
              last_beat_at = clock_timestamp()
            WHERE host.boot <> excluded.boot OR host.beat < excluded.beat
            """;

    Boot see(Beat beat) {
        UUID boot = UUID.fromString(beat.boot());
        Optional<UUID> current =
                handle.createQuery(CURRENT).bind("host", beat.host()).mapTo(UUID.class).findOne();
        boolean first =
                handle.createQuery(FIRST_SEEN)
                        .bind("host", beat.host())
                        .bind("boot", boot)
                        .mapTo(UUID.class)
                        .findOne()
                        .isPresent();
        boolean same = current.isPresent() && current.get().equals(boot);
        if (!same && !first) {
            return Boot.OLD;
        }
        note(beat, boot);
        return same ? Boot.CURRENT : Boot.NEW;
    }

    private void note(Beat beat, UUID boot) {
        handle.createUpdate(SEEN)
                .bind("host", beat.host())
                .bind("boot", boot)
                .bind("beat", beat.n())
                .bind("flavor", beat.slots().flavor())
                .bind("total", beat.slots().total())
                .bind("free", beat.slots().free())
                .bind("memory", beat.slots().memoryBytes())
                .execute();
    }
}
