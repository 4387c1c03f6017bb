package dev.tunesmith.scheduler.placement;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.scheduler.placement.Verdict.Place;
import dev.tunesmith.scheduler.placement.Verdict.Reason;
import dev.tunesmith.scheduler.placement.Verdict.Wait;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class PlacementTest {
    private static final TenantId A = new TenantId(new UUID(0, 1));
    private static final TenantId B = new TenantId(new UUID(0, 2));
    private static final long GIB = 1L << 30;

    private static Candidate job(TenantId tenant, int number, int priority) {
        return new Candidate(
                new JobId(new UUID(1, number)),
                tenant,
                "any",
                1,
                priority,
                Instant.ofEpochSecond(number),
                GIB,
                1);
    }

    private static TenantShare share(TenantId tenant, int quota, int used) {
        return new TenantShare(tenant, quota, used, true);
    }

    private static List<Verdict> decide(
            List<Candidate> jobs, List<TenantShare> tenants, HostSlots... hosts) {
        return Placement.decide(
                new Placement.Picture(jobs, tenants, List.of(hosts), Map.of()),
                ShareOrder.QUOTA_USED);
    }

    private static List<Candidate> placed(List<Verdict> verdicts) {
        return verdicts.stream().filter(Place.class::isInstance).map(Verdict::candidate).toList();
    }

    private static HostSlots host(int free) {
        return new HostSlots("h", "cpu", free, 8 * GIB);
    }

    @Test
    void nobodyIsPlacedWithoutAHost() {
        List<Verdict> verdicts = decide(List.of(job(A, 1, 0)), List.of(share(A, 4, 0)));

        assertThat(verdicts)
                .singleElement()
                .isInstanceOfSatisfying(
                        Wait.class,
                        wait -> assertThat(wait.reason()).isEqualTo(Reason.NO_MATCHING_FLAVOR));
    }

    @Test
    void placesNoMoreThanTheFreeSlots() {
        List<Verdict> verdicts =
                decide(
                        List.of(job(A, 1, 0), job(A, 2, 0), job(A, 3, 0)),
                        List.of(share(A, 9, 0)),
                        host(2));

        assertThat(placed(verdicts))
                .extracting(c -> c.job().value().getLeastSignificantBits())
                .containsExactly(1L, 2L);
    }

    @Test
    void unclaimedDispatchesUseUpSlots() {
        var picture =
                new Placement.Picture(
                        List.of(job(A, 1, 0)),
                        List.of(share(A, 9, 0)),
                        List.of(host(1)),
                        Map.of("cpu", 1));

        assertThat(placed(Placement.decide(picture, ShareOrder.QUOTA_USED))).isEmpty();
    }

    @Test
    void theTenantThatHoldsLessGoesFirst() {
        List<Verdict> verdicts =
                decide(
                        List.of(job(A, 1, 9), job(B, 2, 0)),
                        List.of(share(A, 4, 2), share(B, 4, 0)),
                        host(1));

        assertThat(placed(verdicts)).extracting(Candidate::tenant).containsExactly(B);
    }

    @Test
    void insideATenantPriorityGoesBeforeAge() {
        List<Verdict> verdicts =
                decide(List.of(job(A, 1, 0), job(A, 2, 5)), List.of(share(A, 4, 0)), host(1));

        assertThat(placed(verdicts)).extracting(Candidate::priority).containsExactly(5);
    }

    @Test
    void aJobThatDoesNotFitDoesNotBlockTheNext() {
        Candidate big =
                new Candidate(
                        new JobId(new UUID(1, 1)), A, "any", 1, 9, Instant.EPOCH, 99 * GIB, 1);

        List<Verdict> verdicts =
                decide(List.of(big, job(A, 2, 0)), List.of(share(A, 4, 0)), host(1));

        assertThat(verdicts.getFirst())
                .isInstanceOfSatisfying(
                        Wait.class,
                        wait -> assertThat(wait.reason()).isEqualTo(Reason.DOES_NOT_FIT));
        assertThat(placed(verdicts)).hasSize(1);
    }

    @Test
    void aSuspendedTenantWaits() {
        List<Verdict> verdicts =
                decide(List.of(job(A, 1, 0)), List.of(new TenantShare(A, 4, 0, false)), host(1));

        assertThat(placed(verdicts)).isEmpty();
    }

    /// Random pictures: quotas and slots are never exceeded, every candidate gets one verdict, and
    /// the same picture gives the same verdicts.
    @Test
    void holdsQuotaAndSlotsOnRandomPictures() {
        for (int seed = 0; seed < 500; seed++) {
            Placement.Picture picture = random(new Random(seed));
            List<Verdict> verdicts = Placement.decide(picture, ShareOrder.QUOTA_USED);

            assertThat(verdicts).as("seed %d", seed).hasSameSizeAs(picture.candidates());
            assertThat(Placement.decide(picture, ShareOrder.QUOTA_USED)).isEqualTo(verdicts);
            Map<TenantId, Integer> used = new HashMap<>();
            placed(verdicts).forEach(c -> used.merge(c.tenant(), c.gpus(), Integer::sum));
            for (TenantShare tenant : picture.tenants()) {
                assertThat(used.getOrDefault(tenant.tenant(), 0))
                        .as("seed %d", seed)
                        .isLessThanOrEqualTo(tenant.left());
            }
            int room = picture.hosts().stream().mapToInt(HostSlots::free).sum();
            assertThat(placed(verdicts).size()).as("seed %d", seed).isLessThanOrEqualTo(room);
        }
    }

    private static Placement.Picture random(Random random) {
        List<Candidate> jobs = new ArrayList<>();
        for (int i = 0; i < random.nextInt(40); i++) {
            TenantId tenant = new TenantId(new UUID(0, random.nextInt(5)));
            jobs.add(
                    new Candidate(
                            new JobId(new UUID(0, i)),
                            tenant,
                            "any",
                            1 + random.nextInt(3),
                            random.nextInt(3),
                            Instant.EPOCH,
                            GIB,
                            1));
        }
        List<TenantShare> tenants = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            int quota = random.nextInt(6);
            tenants.add(share(new TenantId(new UUID(0, i)), quota, random.nextInt(quota + 1)));
        }
        List<HostSlots> hosts = new ArrayList<>();
        for (int i = 0; i < random.nextInt(4); i++) {
            hosts.add(new HostSlots("h" + i, "cpu", random.nextInt(5), 8 * GIB));
        }
        return new Placement.Picture(jobs, tenants, hosts, Map.of());
    }
}
