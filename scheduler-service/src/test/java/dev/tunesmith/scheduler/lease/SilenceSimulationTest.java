package dev.tunesmith.scheduler.lease;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.id.Attempt;
import dev.tunesmith.contracts.id.JobId;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/// Hosts that beat, a scheduler and a broker that go away, hosts that die: virtual time, one seed a
/// run. A living host is never reaped, a dead one always is. The mutant reaps without asking
/// whether it could have heard anybody, and must be caught.
class SilenceSimulationTest {
    private static final int SEEDS = 300;
    private static final long TICK_MS = 500;
    private static final long LEASE_MS = 60_000;
    private static final long BEAT_MS = 10_000;
    private static final long REAP_MS = 5_000;
    private static final long END_MS = 3_600_000;
    private static final long FAULTS_END_MS = 2_400_000;

    @Test
    void aLivingHostIsNeverReapedAndADeadOneAlwaysIs() {
        for (int seed = 0; seed < SEEDS; seed++) {
            World world = new World(seed, false);
            world.run();
            assertThat(world.falseReaps).as("seed %d", seed).isZero();
            assertThat(world.unreapedDead()).as("seed %d", seed).isZero();
        }
    }

    /// K8: the reaper that runs right after a restart.
    @Test
    void aReaperWithoutDoubtIsCaught() {
        long caught = 0;
        for (int seed = 0; seed < SEEDS; seed++) {
            World world = new World(seed, true);
            world.run();
            caught += world.falseReaps;
        }
        assertThat(caught).isPositive();
    }

    private static final class Host {
        final Attempt attempt = new Attempt(new JobId(UUID.randomUUID()), 1, UUID.randomUUID());
        final long phase;
        long diesAt = Long.MAX_VALUE;
        long expiresAt = LEASE_MS;
        boolean reaped;

        Host(long phase) {
            this.phase = phase;
        }

        boolean alive(long now) {
            return now < diesAt;
        }
    }

    private static final class World {
        private final Random random;
        private final boolean withoutDoubt;
        private final SilenceRules rules =
                new SilenceRules(
                        Duration.ofMillis(LEASE_MS),
                        Duration.ZERO,
                        Duration.ofMinutes(30),
                        0.5,
                        Integer.MAX_VALUE);
        private final List<Host> hosts = new ArrayList<>();
        private ControlPlaneWatch watch = fresh();
        private long schedulerBackAt;
        private long brokerBackAt;
        long falseReaps;

        World(long seed, boolean withoutDoubt) {
            this.random = new Random(seed);
            this.withoutDoubt = withoutDoubt;
            for (int i = 0; i < 8; i++) {
                Host host = new Host(random.nextInt((int) BEAT_MS));
                if (i % 4 == 0) {
                    host.diesAt = random.nextLong(FAULTS_END_MS);
                }
                hosts.add(host);
            }
        }

        private static ControlPlaneWatch fresh() {
            return ControlPlaneWatch.start(Duration.ofMillis(LEASE_MS), Duration.ofSeconds(5));
        }

        void run() {
            for (long now = 0; now < END_MS; now += TICK_MS) {
                breakSomething(now);
                boolean brokerUp = now >= brokerBackAt;
                boolean schedulerUp = now >= schedulerBackAt;
                if (brokerUp && schedulerUp) {
                    hear(now);
                }
                if (schedulerUp && now % REAP_MS == 0) {
                    reap(now);
                }
            }
        }

        private void breakSomething(long now) {
            if (now > FAULTS_END_MS || random.nextInt(600) != 0) {
                return;
            }
            long until = now + random.nextLong(10 * LEASE_MS);
            if (random.nextBoolean()) {
                schedulerBackAt = until;
                watch = fresh();
            } else {
                brokerBackAt = until;
            }
        }

        /// Beats are lossy: one sent while the broker is away never arrives.
        private void hear(long now) {
            for (Host host : hosts) {
                boolean beats = (now + host.phase) % BEAT_MS < TICK_MS;
                if (beats && host.alive(now) && !host.reaped) {
                    host.expiresAt = now + LEASE_MS;
                }
            }
            watch = watch.readToEnd(Instant.ofEpochMilli(now));
        }

        private void reap(long now) {
            Instant at = Instant.ofEpochMilli(now);
            List<HeldLease> leases =
                    hosts.stream()
                            .filter(h -> !h.reaped)
                            .map(h ->
                                    new HeldLease(
                                            h.attempt, "h/1", Instant.ofEpochMilli(h.expiresAt)))
                            .toList();
            Optional<String> doubt = withoutDoubt ? Optional.empty() : watch.doubt(at);
            Reaping reaping = Reaping.decide(new Reaping.Picture(leases, at, doubt), rules);
            for (HeldLease lost : reaping.lost()) {
                Host host =
                        hosts.stream()
                                .filter(h -> h.attempt.equals(lost.attempt()))
                                .findFirst()
                                .orElseThrow();
                host.reaped = true;
                falseReaps += host.alive(now) ? 1 : 0;
            }
        }

        long unreapedDead() {
            return hosts.stream().filter(h -> h.diesAt < END_MS && !h.reaped).count();
        }
    }
}
