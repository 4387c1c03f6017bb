package dev.tunesmith.scheduler.lease;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.id.Attempt;
import dev.tunesmith.contracts.id.JobId;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class ReapingTest {
    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");
    private static final SilenceRules RULES =
            SilenceRules.of(Duration.ofSeconds(60), Duration.ZERO, Duration.ofMinutes(30));

    private static HeldLease lease(String owner, Duration expiredFor) {
        return new HeldLease(
                new Attempt(new JobId(UUID.randomUUID()), 1, UUID.randomUUID()),
                owner,
                NOW.minus(expiredFor));
    }

    private static Reaping decide(SilenceRules rules, HeldLease... leases) {
        return Reaping.decide(new Reaping.Picture(List.of(leases), NOW, Optional.empty()), rules);
    }

    @Test
    void aLeaseThatStandsIsLeftAlone() {
        Reaping reaping = decide(RULES, lease("h/1", Duration.ofSeconds(-1)));

        assertThat(reaping.lost()).isEmpty();
        assertThat(reaping.silent()).isEmpty();
    }

    @Test
    void anExpiredLeaseIsLost() {
        HeldLease expired = lease("h/1", Duration.ofSeconds(1));

        assertThat(decide(RULES, expired).lost()).containsExactly(expired);
    }

    @Test
    void anUntakenDispatchIsLost() {
        HeldLease untaken = lease(HeldLease.UNCLAIMED, Duration.ofSeconds(1));

        assertThat(decide(RULES, untaken).lost()).containsExactly(untaken);
    }

    @Test
    void nobodyIsReapedWhileTheControlPlaneDoubtsItsHearing() {
        var picture =
                new Reaping.Picture(
                        List.of(lease("h/1", Duration.ofHours(2))), NOW, Optional.of("deaf"));

        Reaping reaping = Reaping.decide(picture, RULES);

        assertThat(reaping.lost()).isEmpty();
        assertThat(reaping.silent()).singleElement().extracting("reason").isEqualTo("deaf");
    }

    @Test
    void silenceGraceWaitsLonger() {
        SilenceRules patient =
                SilenceRules.of(
                        Duration.ofSeconds(60), Duration.ofMinutes(5), Duration.ofMinutes(30));

        assertThat(decide(patient, lease("h/1", Duration.ofMinutes(4))).lost()).isEmpty();
        assertThat(decide(patient, lease("h/1", Duration.ofMinutes(6))).lost()).hasSize(1);
    }

    @Test
    void massSilenceIsHeldAndAlarmed() {
        List<HeldLease> leases = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            leases.add(lease("h" + i + "/1", Duration.ofSeconds(i < 4 ? 1 : -1)));
        }

        Reaping reaping = decide(RULES, leases.toArray(HeldLease[]::new));

        assertThat(reaping.lost()).isEmpty();
        assertThat(reaping.silent()).hasSize(4);
        assertThat(reaping.alarm()).hasValueSatisfying(a -> assertThat(a).contains("4 of 6"));
    }

    @Test
    void massSilenceEndsWithTheOrphanGrace() {
        List<HeldLease> leases = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            leases.add(lease("h" + i + "/1", Duration.ofMinutes(31)));
        }

        assertThat(decide(RULES, leases.toArray(HeldLease[]::new)).lost()).hasSize(6);
    }

    @Test
    void threeOfThreeAreTooFewForAWave() {
        assertThat(
                        decide(
                                        RULES,
                                        lease("a/1", Duration.ofSeconds(1)),
                                        lease("b/1", Duration.ofSeconds(1)),
                                        lease("c/1", Duration.ofSeconds(1)))
                                .lost())
                .hasSize(3);
    }
}
