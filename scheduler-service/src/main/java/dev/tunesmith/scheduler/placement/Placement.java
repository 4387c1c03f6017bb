package dev.tunesmith.scheduler.placement;

import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.scheduler.placement.Verdict.Place;
import dev.tunesmith.scheduler.placement.Verdict.Reason;
import dev.tunesmith.scheduler.placement.Verdict.Wait;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/// One tick of the planner: `(candidates, tenants, hosts, unclaimed dispatches) → verdicts`.
///
/// Fair over tenants ([ShareOrder]), then priority, age and id inside a tenant. A job that cannot
/// go never blocks the one behind it. Deterministic: the same picture gives the same verdicts.
public final class Placement {

    /// Everything that a tick may look at.
    ///
    /// @param unclaimed dispatches a flavour that no host took yet; they already use up a free slot
    public record Picture(
            List<Candidate> candidates,
            List<TenantShare> tenants,
            List<HostSlots> hosts,
            Map<String, Integer> unclaimed) {

        public Picture {
            candidates = List.copyOf(candidates);
            tenants = List.copyOf(tenants);
            hosts = List.copyOf(hosts);
            unclaimed = Map.copyOf(unclaimed);
        }
    }

    private static final Comparator<Candidate> QUEUE_ORDER =
            Comparator.comparingInt(Candidate::priority)
                    .reversed()
                    .thenComparing(Candidate::notBefore)
                    .thenComparing(candidate -> candidate.job().value());

    private final ShareOrder order;
    private final Map<TenantId, TenantShare> tenants = new HashMap<>();
    private final Map<String, Integer> freeByFlavor = new TreeMap<>();
    private final Map<String, Long> memoryByFlavor = new HashMap<>();

    private Placement(Picture picture, ShareOrder order) {
        this.order = order;
        picture.tenants().forEach(share -> tenants.put(share.tenant(), share));
        for (HostSlots host : picture.hosts()) {
            freeByFlavor.merge(host.flavor(), host.free(), Integer::sum);
            memoryByFlavor.merge(host.flavor(), host.memoryBytes(), Math::max);
        }
        picture.unclaimed().forEach((flavor, n) -> freeByFlavor.merge(flavor, -n, Integer::sum));
    }

    public static List<Verdict> decide(Picture picture, ShareOrder order) {
        return new Placement(picture, order).run(picture.candidates());
    }

    private List<Verdict> run(List<Candidate> candidates) {
        Map<TenantId, List<Candidate>> queues =
                candidates.stream()
                        .sorted(QUEUE_ORDER)
                        .collect(
                                Collectors.groupingBy(
                                        Candidate::tenant,
                                        LinkedHashMap::new,
                                        Collectors.toCollection(ArrayList::new)));
        List<Verdict> verdicts = new ArrayList<>();
        while (!queues.isEmpty()) {
            TenantId next = nextTenant(queues.keySet());
            List<Candidate> queue = queues.getOrDefault(next, List.of());
            verdicts.add(judge(queue.removeFirst()));
            if (queue.isEmpty()) {
                queues.remove(next);
            }
        }
        return List.copyOf(verdicts);
    }

    private TenantId nextTenant(Set<TenantId> waiting) {
        return waiting.stream()
                .min(
                        Comparator.comparingDouble((TenantId id) -> order.share(share(id)))
                                .thenComparing(TenantId::value))
                .orElseThrow();
    }

    private Verdict judge(Candidate candidate) {
        TenantShare tenant = share(candidate.tenant());
        Optional<Wait> tenantBlocks = tenantBlocks(candidate, tenant);
        if (tenantBlocks.isPresent()) {
            return tenantBlocks.get();
        }
        Set<String> flavors = matching(candidate.flavor());
        if (flavors.isEmpty()) {
            return new Wait(
                    candidate,
                    Reason.NO_MATCHING_FLAVOR,
                    memoryByFlavor.isEmpty()
                            ? "no trainer host is connected"
                            : "no host offers flavor '%s'; known are %s"
                                    .formatted(candidate.flavor(), memoryByFlavor.keySet()));
        }
        long largest = flavors.stream().mapToLong(this::memory).max().orElse(0);
        if (largest < candidate.neededBytes()) {
            return new Wait(
                    candidate,
                    Reason.DOES_NOT_FIT,
                    "the plan needs %d bytes, the largest device has %d"
                            .formatted(candidate.neededBytes(), largest));
        }
        for (String flavor : flavors) {
            if (freeByFlavor.getOrDefault(flavor, 0) > 0
                    && memory(flavor) >= candidate.neededBytes()) {
                freeByFlavor.merge(flavor, -1, Integer::sum);
                tenants.put(tenant.tenant(), tenant.plus(candidate.gpus()));
                return new Place(candidate, flavor);
            }
        }
        return new Wait(
                candidate, Reason.WAITING_FOR_SLOT, "all slots of " + flavors + " are in use");
    }

    private static Optional<Wait> tenantBlocks(Candidate candidate, TenantShare tenant) {
        if (!tenant.active()) {
            return Optional.of(
                    new Wait(candidate, Reason.TENANT_SUSPENDED, "the project is not active"));
        }
        if (candidate.gpus() > tenant.quota()) {
            return Optional.of(
                    new Wait(
                            candidate,
                            Reason.EXCEEDS_MAX_QUOTA,
                            "asks for %d devices, the project may hold %d"
                                    .formatted(candidate.gpus(), tenant.quota())));
        }
        if (candidate.gpus() > tenant.left()) {
            return Optional.of(
                    new Wait(
                            candidate,
                            Reason.WAITING_FOR_QUOTA,
                            "asks for %d devices, the project holds %d of %d"
                                    .formatted(candidate.gpus(), tenant.used(), tenant.quota())));
        }
        return Optional.empty();
    }

    /// Flavours in name order, so that equal pictures give equal verdicts.
    private Set<String> matching(String wanted) {
        if (wanted.equals(Candidate.ANY_FLAVOR)) {
            return new TreeSet<>(memoryByFlavor.keySet());
        }
        return memoryByFlavor.containsKey(wanted) ? Set.of(wanted) : Set.of();
    }

    private long memory(String flavor) {
        return memoryByFlavor.getOrDefault(flavor, 0L);
    }

    private TenantShare share(TenantId id) {
        return tenants.getOrDefault(id, new TenantShare(id, 0, 0, false));
    }
}
