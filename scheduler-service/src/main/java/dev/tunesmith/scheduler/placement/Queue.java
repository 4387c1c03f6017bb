package dev.tunesmith.scheduler.placement;

import dev.tunesmith.contracts.id.Attempt;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.scheduler.lease.LeaseTimes;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;

/// Who waits, where there is room, and the statement that places one job. Inside one transaction.
public record Queue(Handle handle) {

    /// Enough to fill any free slot, and a bound on what one tick reads.
    static final int CANDIDATES_PER_TENANT = 50;

    static final String CANDIDATES =
            """
            SELECT x.* FROM tenant t CROSS JOIN LATERAL (
              SELECT j.job_id, j.tenant_id, j.flavor, j.gpus, j.priority, j.not_before, j.event_seq,
                coalesce((j.memory_plan ->> 'total_bytes')::bigint, 0) AS needed_bytes
              FROM job j
              WHERE j.tenant_id = t.tenant_id AND j.state = 'QUEUED' AND j.desired = 'RUN'
                AND j.not_before <= clock_timestamp()
              ORDER BY j.priority DESC, j.not_before, j.job_id
              LIMIT :per_tenant) x
            """;

    static final String SHARES =
            """
            SELECT t.tenant_id, t.gpu_quota, t.gpu_used, t.status = 'ACTIVE' AS active
            FROM tenant t
            WHERE EXISTS (SELECT 1 FROM job j
              WHERE j.tenant_id = t.tenant_id AND j.state = 'QUEUED' AND j.desired = 'RUN')
            """;

    /// A beat is up to one period old, the leases are not: the smaller room is the true one.
    static final String ROOM =
            """
            SELECT h.host_id, h.flavor, h.memory_bytes,
              greatest(0, least(h.slots_free, h.slots_total - coalesce(taken.leases, 0)))::int AS free
            FROM host h
            LEFT JOIN (SELECT lease_owner, count(*) AS leases FROM job
              WHERE lease_id IS NOT NULL GROUP BY lease_owner) taken
              ON taken.lease_owner = h.host_id || '/' || h.boot
            WHERE NOT h.draining AND h.last_beat_at > clock_timestamp() - make_interval(secs => :fresh_s)
            """;

    static final String UNCLAIMED =
            """
            SELECT a.flavor, count(*)::int AS dispatches
            FROM job j JOIN job_attempt a ON a.lease_id = j.lease_id
            WHERE j.state = 'LEASED' AND j.lease_owner = 'unclaimed' AND a.flavor IS NOT NULL
            GROUP BY a.flavor
            """;

    /// The guard is the event number that the planner saw: a job that changed since is left alone.
    static final String PLACE =
            """
            UPDATE job SET state = 'LEASED', epoch = epoch + 1, attempt = attempt + 1,
              lease_id = gen_random_uuid(), lease_owner = 'unclaimed', preempt_by = NULL,
              lease_expires_at = clock_timestamp() + make_interval(secs => :dispatch_s)
            WHERE job_id = :job AND state = 'QUEUED' AND desired = 'RUN' AND event_seq = :seen_seq
            RETURNING job_id, epoch, lease_id, ckpt_step, encode(spec_sha256, 'hex') AS spec_sha256
            """;

    /// A placed job, as its dispatch names it.
    public record Placed(Attempt attempt, long resumeStep, String specSha256) {}

    public List<Candidate> candidates() {
        return handle.createQuery(CANDIDATES)
                .bind("per_tenant", CANDIDATES_PER_TENANT)
                .map((row, _) ->
                        new Candidate(
                                new JobId(row.getObject("job_id", UUID.class)),
                                new TenantId(row.getObject("tenant_id", UUID.class)),
                                row.getString("flavor"),
                                row.getInt("gpus"),
                                row.getInt("priority"),
                                row.getTimestamp("not_before").toInstant(),
                                row.getLong("needed_bytes"),
                                row.getInt("event_seq")))
                .list();
    }

    public List<TenantShare> shares() {
        return handle.createQuery(SHARES)
                .map((row, _) ->
                        new TenantShare(
                                new TenantId(row.getObject("tenant_id", UUID.class)),
                                row.getInt("gpu_quota"),
                                row.getInt("gpu_used"),
                                row.getBoolean("active")))
                .list();
    }

    /// Room on hosts that spoke within `fresh`.
    public List<HostSlots> room(Duration fresh) {
        return handle.createQuery(ROOM)
                .bind("fresh_s", fresh.toMillis() / 1000.0)
                .map((row, _) ->
                        new HostSlots(
                                row.getString("host_id"),
                                row.getString("flavor"),
                                row.getInt("free"),
                                row.getLong("memory_bytes")))
                .list();
    }

    public Map<String, Integer> unclaimed() {
        return handle
                .createQuery(UNCLAIMED)
                .map((row, _) -> Map.entry(row.getString("flavor"), row.getInt("dispatches")))
                .stream()
                .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
    }

    public Optional<Placed> place(Candidate candidate, String flavor, LeaseTimes times) {
        Optional<Placed> placed =
                handle.createQuery(PLACE)
                        .bind("job", candidate.job().value())
                        .bind("seen_seq", candidate.seenSeq())
                        .bind("dispatch_s", times.dispatch().toMillis() / 1000.0)
                        .map((row, _) ->
                                new Placed(
                                        new Attempt(
                                                candidate.job(),
                                                row.getLong("epoch"),
                                                row.getObject("lease_id", UUID.class)),
                                        row.getLong("ckpt_step"),
                                        row.getString("spec_sha256")))
                        .findOne();
        placed.ifPresent(p -> noteFlavor(p.attempt(), flavor));
        return placed;
    }

    private void noteFlavor(Attempt attempt, String flavor) {
        handle.createUpdate("UPDATE job_attempt SET flavor = :flavor WHERE lease_id = :lease")
                .bind("flavor", flavor)
                .bind("lease", attempt.lease())
                .execute();
    }
}
