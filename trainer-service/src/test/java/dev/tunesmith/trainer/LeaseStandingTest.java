package dev.tunesmith.trainer;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class LeaseStandingTest {
    private static LeaseStanding after(Duration silence) {
        return LeaseStanding.of(
                silence, Duration.ofSeconds(60), Duration.ofSeconds(10), Duration.ofMinutes(30));
    }

    @Test
    void everythingIsAllowedWhileConfirmed() {
        assertThat(after(Duration.ofSeconds(49))).isEqualTo(new LeaseStanding.Good());
    }

    @Test
    void sideEffectsStopBeforeTheLeaseCanBeGone() {
        assertThat(after(Duration.ofSeconds(50))).isEqualTo(new LeaseStanding.Quiet());
    }

    @Test
    void computingEndsWithTheOrphanGrace() {
        assertThat(after(Duration.ofMinutes(30))).isEqualTo(new LeaseStanding.Orphaned());
    }
}
