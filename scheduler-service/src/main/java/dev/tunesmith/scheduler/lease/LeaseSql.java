package dev.tunesmith.scheduler.lease;

/// The statements of a lease. Each names its guard; zero rows means that somebody else decided.
///
/// They stand apart from [Leases] so that the tests can show what breaks when one guard is missing.
final class LeaseSql {

    private LeaseSql() {}

    /// The first host wins; a repeated claim of the same host is granted again.
    static final String CLAIM =
            """
            UPDATE job SET lease_owner = :owner,
              lease_expires_at = clock_timestamp() + make_interval(secs => :lease_s)
            WHERE job_id = :job AND epoch = :epoch AND lease_id = :lease AND state = 'LEASED'
              AND lease_owner IN ('unclaimed', :owner)
            RETURNING job_id
            """;

    static final String START =
            """
            UPDATE job SET state = 'RUNNING'
            WHERE job_id = :job AND epoch = :epoch AND lease_id = :lease AND state = 'LEASED'
            RETURNING job_id
            """;

    /// One statement for all attempts of a host. An attempt missing from the result is fenced.
    static final String BEAT =
            """
            UPDATE job j SET lease_expires_at = clock_timestamp() + make_interval(secs => :lease_s)
            FROM unnest(CAST(:jobs AS uuid[]), CAST(:epochs AS bigint[]), CAST(:leases AS uuid[]))
              AS b(job_id, epoch, lease_id)
            WHERE j.job_id = b.job_id AND j.epoch = b.epoch AND j.lease_id = b.lease_id
            RETURNING j.job_id, j.epoch, j.lease_id, j.state::text, j.desired,
              CASE WHEN j.preempt_by IS NOT NULL THEN greatest(0,
                extract(epoch FROM j.preempt_by - clock_timestamp()) * 1000)::bigint END
                AS preempt_in_ms
            """;

    /// Only after every object and the manifest are durable and were checked. A step that is not
    /// new counts all the same when what was committed from it on is damaged.
    static final String CHECKPOINT =
            """
            WITH j AS (
              UPDATE job SET ckpt_step = greatest(ckpt_step, :step), ckpt_manifest_key = :key, ckpt_manifest_sha256 = :sha,
                attempt = least(attempt, 1), loss_repeat = 0
              WHERE job_id = :job AND epoch = :epoch AND lease_id = :lease
                AND (ckpt_step < :step OR NOT EXISTS (SELECT 1 FROM checkpoint c
                  WHERE c.job_id = :job AND c.step >= :step AND c.state <> 'CORRUPT'))
                AND state IN ('RUNNING', 'PAUSING', 'FINALIZING')
              RETURNING job_id, epoch, lease_id)
            INSERT INTO checkpoint (job_id, step, epoch, lease_id, manifest_key, manifest_sha256, bytes,
              metrics)
            SELECT job_id, :step, epoch, lease_id, :key, :sha, :bytes, CAST(:metrics AS jsonb) FROM j
            RETURNING step
            """;

    /// Checkpoints that the job does not ask to keep are no longer there for anybody; their objects
    /// go with the sweeper. What the job would go on from always stays. Of equal ones the first is
    /// the best: later ones may carry the figures of an evaluation before them.
    static final String RETIRE =
            """
            WITH j AS (
              SELECT job_id, ckpt_manifest_key,
                CAST(resolved #>> '{steps,care,choice,keep_last}' AS int) AS keep_last,
                CAST(resolved #>> '{steps,care,choice,keep_best}' AS int) AS keep_best,
                coalesce(resolved #>> '{steps,care,choice,metric}', 'loss') AS metric
              FROM job WHERE job_id = :job AND epoch = :epoch AND lease_id = :lease),
            ranked AS (
              SELECT c.step, c.epoch,
                row_number() OVER (ORDER BY c.step DESC, c.epoch DESC) AS age,
                row_number() OVER (ORDER BY
                  CASE WHEN j.metric ~ :larger THEN -1 ELSE 1 END
                    * CAST(c.metrics ->> CASE j.metric WHEN 'accuracy' THEN 'valid_mean_token_accuracy'
                        ELSE 'valid_' || j.metric END AS double precision) NULLS LAST,
                  c.step, c.epoch DESC) AS place
              FROM checkpoint c JOIN j ON c.job_id = j.job_id
              WHERE c.state = 'LIVE')
            UPDATE checkpoint c SET state = 'DELETING'
            FROM j, ranked r
            WHERE c.job_id = j.job_id AND c.step = r.step AND c.epoch = r.epoch
              AND j.keep_last > 0 AND r.age > j.keep_last AND r.place > coalesce(j.keep_best, 0)
              AND c.manifest_key IS DISTINCT FROM j.ckpt_manifest_key
            """;

    static final String CHECKPOINT_KNOWN =
            """
            SELECT 1 FROM checkpoint
            WHERE job_id = :job AND step = :step AND epoch = :epoch AND lease_id = :lease
              AND manifest_sha256 = :sha
            """;

    static final String DISCARD =
            """
            UPDATE checkpoint c SET state = 'CORRUPT'
            FROM job j
            WHERE j.job_id = :job AND j.epoch = :epoch AND j.lease_id = :lease
              AND c.job_id = j.job_id AND c.manifest_key = :key AND c.manifest_sha256 = :sha
              AND c.state = 'LIVE'
            RETURNING c.step
            """;

    static final String FINALIZE =
            """
            UPDATE job SET state = 'FINALIZING'
            WHERE job_id = :job AND epoch = :epoch AND lease_id = :lease AND state = 'RUNNING'
            RETURNING job_id
            """;

    static final String SUCCEED =
            """
            UPDATE job SET state = 'SUCCEEDED', result_manifest_key = :key,
              result_manifest_sha256 = :sha, finished_at = clock_timestamp(),
              lease_id = NULL, lease_owner = NULL, lease_expires_at = NULL, preempt_by = NULL
            WHERE job_id = :job AND epoch = :epoch AND lease_id = :lease AND state = 'FINALIZING'
            RETURNING job_id
            """;

    static final String FAIL =
            """
            UPDATE job SET
              state = CASE WHEN :retry AND attempt < max_attempts
                THEN 'RETRY_WAIT'::job_state ELSE 'FAILED' END,
              error_code = CASE WHEN :retry AND attempt < max_attempts THEN NULL ELSE :code END,
              error_message = CASE WHEN :retry AND attempt < max_attempts
                THEN :message ELSE :message || :last_word END,
              error_param = CASE WHEN :retry AND attempt < max_attempts THEN NULL ELSE :param END,
              finished_at = CASE WHEN :retry AND attempt < max_attempts
                THEN NULL ELSE clock_timestamp() END,
              not_before = clock_timestamp()
                + least(make_interval(secs => :backoff_max_s),
                    make_interval(secs => :backoff_s) * power(2, least(attempt, 12)))
                * (0.8 + 0.4 * random()),
              lease_id = NULL, lease_owner = NULL, lease_expires_at = NULL, preempt_by = NULL
            WHERE job_id = :job AND epoch = :epoch AND lease_id = :lease
              AND state IN ('LEASED', 'RUNNING', 'PAUSING', 'FINALIZING')
            RETURNING state::text, error_code
            """;

    /// Preempted, drained, or refused after the claim: the attempt is not burned and the job keeps
    /// its place in the queue.
    static final String HAND_BACK =
            """
            UPDATE job SET
              state = CASE state WHEN 'LEASED' THEN 'QUEUED'::job_state ELSE 'RETRY_WAIT' END,
              attempt = greatest(attempt - 1, 0), not_before = created_at,
              lease_id = NULL, lease_owner = NULL, lease_expires_at = NULL, preempt_by = NULL
            WHERE job_id = :job AND epoch = :epoch AND lease_id = :lease
              AND state IN ('LEASED', 'RUNNING', 'PAUSING', 'FINALIZING')
            RETURNING state::text
            """;

    static final String PAUSE =
            """
            UPDATE job SET state = 'PAUSED', attempt = greatest(attempt - 1, 0),
              lease_id = NULL, lease_owner = NULL, lease_expires_at = NULL, preempt_by = NULL
            WHERE job_id = :job AND epoch = :epoch AND lease_id = :lease AND state = 'PAUSING'
            RETURNING job_id
            """;

    static final String CANCEL =
            """
            UPDATE job SET state = 'CANCELLED', finished_at = clock_timestamp(),
              lease_id = NULL, lease_owner = NULL, lease_expires_at = NULL, preempt_by = NULL
            WHERE job_id = :job AND epoch = :epoch AND lease_id = :lease AND state = 'CANCELLING'
            RETURNING job_id
            """;

    static final String PREEMPT =
            """
            UPDATE job SET preempt_by = clock_timestamp() + make_interval(secs => :grace_s)
            WHERE job_id = :job AND epoch = :epoch AND state = 'RUNNING' AND preempt_by IS NULL
            RETURNING lease_owner
            """;

    static final String HOLDING =
            """
            SELECT state::text FROM job
            WHERE job_id = :job AND epoch = :epoch AND lease_id = :lease
            """;

    static final String HOST =
            """
            SELECT split_part(coalesce(j.lease_owner, a.owner), '/', 1)
            FROM job_attempt a LEFT JOIN job j ON j.lease_id = a.lease_id
            WHERE a.lease_id = :lease AND coalesce(j.lease_owner, a.owner) <> 'unclaimed'
            """;

    static final String RESULT_KNOWN =
            """
            SELECT 1 FROM job
            WHERE job_id = :job AND epoch = :epoch AND state = 'SUCCEEDED'
              AND result_manifest_sha256 = :sha
            """;

    static final String HELD =
            """
            SELECT job_id, epoch, lease_id, lease_owner, lease_expires_at
            FROM job WHERE lease_expires_at IS NOT NULL
            """;

    static final String HELD_BY_OLD_BOOTS =
            """
            SELECT job_id, epoch, lease_id, lease_owner, lease_expires_at
            FROM job WHERE lease_expires_at IS NOT NULL
              AND split_part(lease_owner, '/', 1) = :host AND lease_owner <> :owner
            """;

    private static final String REAP =
            """
            WITH d AS (
              SELECT j.job_id, j.lease_owner = 'unclaimed' AND j.state = 'LEASED' AS untaken,
                j.state = 'CANCELLING' AS cancelling,
                CASE WHEN j.loss_step IS NOT DISTINCT FROM j.ckpt_step
                  THEN j.loss_repeat + 1 ELSE 1 END AS losses
              FROM job j JOIN unnest(CAST(:jobs AS uuid[]), CAST(:epochs AS bigint[]), CAST(:leases AS uuid[]))
                AS b(job_id, epoch, lease_id)
                ON j.job_id = b.job_id AND j.epoch = b.epoch AND j.lease_id = b.lease_id
              WHERE ${condition}
              LIMIT 100 ${lock}),
            v AS (
              SELECT d.*, CASE WHEN d.cancelling THEN 'CANCELLED'::job_state
                WHEN d.untaken THEN 'QUEUED'
                WHEN d.losses >= 3 OR j.attempt >= j.max_attempts OR j.infra_losses >= 49 THEN 'FAILED'
                ELSE 'RETRY_WAIT' END AS next
              FROM d JOIN job j USING (job_id))
            UPDATE job j SET state = v.next, epoch = j.epoch + 1,
              lease_id = NULL, lease_owner = NULL, lease_expires_at = NULL, preempt_by = NULL,
              attempt = j.attempt - (v.next = 'QUEUED')::int,
              infra_losses = j.infra_losses + (v.next IN ('RETRY_WAIT', 'FAILED'))::int,
              loss_step = CASE WHEN v.next IN ('RETRY_WAIT', 'FAILED')
                THEN j.ckpt_step ELSE j.loss_step END,
              loss_repeat = CASE WHEN v.next IN ('RETRY_WAIT', 'FAILED')
                THEN v.losses ELSE j.loss_repeat END,
              error_code = CASE WHEN v.next = 'FAILED'
                THEN CASE WHEN v.losses >= 3 THEN 'poison' ELSE 'worker_lost' END END,
              error_message = CASE WHEN v.next = 'FAILED' THEN CASE WHEN v.losses >= 3
                THEN 'the worker was lost 3 times in a row after checkpoint step ' || j.ckpt_step
                  || '; see the log of the last attempt'
                ELSE 'the worker was lost, attempt ' || j.attempt || ' of ' || j.max_attempts END END,
              finished_at = CASE WHEN v.next IN ('FAILED', 'CANCELLED') THEN clock_timestamp() END,
              not_before = CASE WHEN v.next = 'RETRY_WAIT' THEN clock_timestamp()
                + least(make_interval(secs => :backoff_max_s),
                    make_interval(secs => :backoff_s) * power(2, least(j.attempt, 12)))
                * (0.8 + 0.4 * random()) ELSE j.not_before END
            FROM v WHERE j.job_id = v.job_id
            RETURNING j.job_id, j.state::text, j.error_code
            """;

    /// Ends the named leases without their holder. The silence condition stays in the statement: a
    /// beat that came in after the decision has moved the expiry, and the job is left alone. So is
    /// a row that somebody works on just now; the next pass finds it.
    static final String REAP_SILENT =
            reap("j.lease_expires_at < clock_timestamp()", "FOR UPDATE OF j SKIP LOCKED");

    /// A proof of death is told once, so this statement waits for the row instead of passing it by.
    static final String REAP_DEAD = reap("true", "FOR UPDATE OF j");

    private static String reap(String condition, String lock) {
        return REAP.replace("${condition}", condition).replace("${lock}", lock);
    }
}
