package dev.tunesmith.scheduler.lease;

import dev.tunesmith.contracts.care.Care;
import dev.tunesmith.contracts.event.ManifestRef;
import dev.tunesmith.contracts.id.Attempt;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.job.ErrorClass;
import dev.tunesmith.contracts.job.JobState;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.mapper.RowMapper;
import org.jdbi.v3.core.statement.Query;
import org.jdbi.v3.core.statement.SqlStatement;
import org.jspecify.annotations.Nullable;

/// The lease columns of `job`, inside one transaction. Answers say whether the guard let the
/// statement through; `false` and empty mean that somebody else decided.
public record Leases(Handle handle, LeaseTimes times) {

    /// A job whose lease was renewed, with what its holder must know.
    public record Renewed(
            Attempt attempt, JobState state, String desired, @Nullable Long preemptInMs) {}

    /// What a job became when its lease ended.
    public record Ended(JobId job, JobState state, @Nullable String errorCode) {}

    /// A manifest that was checked against the store.
    public record Verified(String key, String sha256, long bytes) {}

    /// Why an attempt failed, and whether another one may follow.
    ///
    /// @param lastWord follows the message when none does
    public record Failure(
            boolean retry, String code, String message, String lastWord, @Nullable String param) {}

    public boolean claim(Attempt attempt, String owner) {
        return of(LeaseSql.CLAIM, attempt)
                .bind("owner", owner)
                .bind("lease_s", times.leaseSeconds())
                .mapTo(UUID.class)
                .findOne()
                .isPresent();
    }

    public boolean start(Attempt attempt) {
        return changes(LeaseSql.START, attempt);
    }

    public List<Renewed> beat(List<Attempt> attempts) {
        return bindAll(handle.createQuery(LeaseSql.BEAT), attempts)
                .bind("lease_s", times.leaseSeconds())
                .map((row, _) ->
                        new Renewed(
                                new Attempt(
                                        new JobId(row.getObject("job_id", UUID.class)),
                                        row.getLong("epoch"),
                                        row.getObject("lease_id", UUID.class)),
                                JobState.valueOf(row.getString("state")),
                                row.getString("desired"),
                                row.getObject("preempt_in_ms", Long.class)))
                .list();
    }

    public boolean checkpoint(Attempt attempt, long step, Verified manifest, String metrics) {
        return of(LeaseSql.CHECKPOINT, attempt)
                .bind("step", step)
                .bind("key", manifest.key())
                .bind("sha", HexFormat.of().parseHex(manifest.sha256()))
                .bind("bytes", manifest.bytes())
                .bind("metrics", metrics)
                .mapTo(Long.class)
                .findOne()
                .isPresent();
    }

    /// Takes the checkpoints out of use that the job does not ask to keep.
    ///
    /// @return how many
    public int retire(Attempt attempt) {
        return handle.createUpdate(LeaseSql.RETIRE)
                .bind("job", attempt.job().value())
                .bind("epoch", attempt.epoch())
                .bind("lease", attempt.lease())
                .bind("larger", Care.Choice.LARGER_IS_BETTER)
                .execute();
    }

    /// Whether exactly this checkpoint was committed before, so that a repeated report is answered
    /// with `committed` and not with `fenced`.
    public boolean knowsCheckpoint(Attempt attempt, long step, String sha256) {
        return of(LeaseSql.CHECKPOINT_KNOWN, attempt)
                .bind("step", step)
                .bind("sha", HexFormat.of().parseHex(sha256))
                .mapTo(Integer.class)
                .findOne()
                .isPresent();
    }

    /// Takes a checkpoint out of use.
    ///
    /// @return its step; empty when the attempt has no such checkpoint to go on from
    public Optional<Long> discard(Attempt attempt, ManifestRef manifest) {
        return of(LeaseSql.DISCARD, attempt)
                .bind("key", manifest.key())
                .bind("sha", HexFormat.of().parseHex(manifest.sha256()))
                .mapTo(Long.class)
                .findOne();
    }

    public boolean finalizing(Attempt attempt) {
        return changes(LeaseSql.FINALIZE, attempt);
    }

    public boolean succeed(Attempt attempt, Verified manifest) {
        return of(LeaseSql.SUCCEED, attempt)
                .bind("key", manifest.key())
                .bind("sha", HexFormat.of().parseHex(manifest.sha256()))
                .mapTo(UUID.class)
                .findOne()
                .isPresent();
    }

    public Optional<Ended> fail(Attempt attempt, Failure failure) {
        return of(LeaseSql.FAIL, attempt)
                .bind("retry", failure.retry())
                .bind("code", failure.code())
                .bind("message", failure.message())
                .bind("last_word", failure.lastWord())
                .bind("param", failure.param())
                .bind("backoff_s", times.backoffSeconds())
                .bind("backoff_max_s", times.backoffMaxSeconds())
                .map((row, _) ->
                        new Ended(
                                attempt.job(),
                                JobState.valueOf(row.getString("state")),
                                row.getString("error_code")))
                .findOne();
    }

    public Optional<JobState> handBack(Attempt attempt) {
        return of(LeaseSql.HAND_BACK, attempt).mapTo(String.class).findOne().map(JobState::valueOf);
    }

    public boolean pause(Attempt attempt) {
        return changes(LeaseSql.PAUSE, attempt);
    }

    public boolean cancel(Attempt attempt) {
        return changes(LeaseSql.CANCEL, attempt);
    }

    /// The owner that must checkpoint and hand back within `grace`.
    public Optional<String> preempt(JobId job, long epoch, Duration grace) {
        return handle.createQuery(LeaseSql.PREEMPT)
                .bind("job", job.value())
                .bind("epoch", epoch)
                .bind("grace_s", grace.toMillis() / 1000.0)
                .mapTo(String.class)
                .findOne();
    }

    public List<HeldLease> held() {
        return handle.createQuery(LeaseSql.HELD).map(heldRow()).list();
    }

    /// Leases of earlier boots of this host: the host itself proves that they are dead.
    public List<HeldLease> heldByOldBoots(String host, String owner) {
        return handle.createQuery(LeaseSql.HELD_BY_OLD_BOOTS)
                .bind("host", host)
                .bind("owner", owner)
                .map(heldRow())
                .list();
    }

    /// Ends leases by silence; one that was renewed meanwhile stays.
    public List<Ended> reapSilent(List<Attempt> attempts) {
        return reap(LeaseSql.REAP_SILENT, attempts);
    }

    /// Ends leases whose holder is proven dead, whatever their expiry says.
    public List<Ended> reapDead(List<Attempt> attempts) {
        return reap(LeaseSql.REAP_DEAD, attempts);
    }

    private List<Ended> reap(String sql, List<Attempt> attempts) {
        if (attempts.isEmpty()) {
            return List.of();
        }
        return bindAll(handle.createQuery(sql), attempts)
                .bind("backoff_s", times.backoffSeconds())
                .bind("backoff_max_s", times.backoffMaxSeconds())
                .map((row, _) ->
                        new Ended(
                                new JobId(row.getObject("job_id", UUID.class)),
                                JobState.valueOf(row.getString("state")),
                                row.getString("error_code")))
                .list();
    }

    /// Whether the attempt still holds its lease, in whatever state.
    public Optional<JobState> holding(Attempt attempt) {
        return of(LeaseSql.HOLDING, attempt).mapTo(String.class).findOne().map(JobState::valueOf);
    }

    /// The host that holds, or held, this lease; empty while nobody took it.
    public Optional<String> host(Attempt attempt) {
        return handle.createQuery(LeaseSql.HOST)
                .bind("lease", attempt.lease())
                .mapTo(String.class)
                .findOne();
    }

    /// Whether exactly this result made the job succeed.
    public boolean knowsResult(Attempt attempt, String sha256) {
        return handle.createQuery(LeaseSql.RESULT_KNOWN)
                .bind("job", attempt.job().value())
                .bind("epoch", attempt.epoch())
                .bind("sha", HexFormat.of().parseHex(sha256))
                .mapTo(Integer.class)
                .findOne()
                .isPresent();
    }

    /// Attempts of the job that ended with this class before.
    public int earlierOf(JobId job, ErrorClass errorClass) {
        return handle.createQuery(
                        """
                        SELECT count(*)::int FROM job_attempt
                        WHERE job_id = :job AND exit_class = :class
                        """)
                .bind("job", job.value())
                .bind("class", errorClass.wire())
                .mapTo(Integer.class)
                .one();
    }

    public Instant databaseTime() {
        return handle.createQuery("SELECT clock_timestamp()").mapTo(Instant.class).one();
    }

    /// Changes when the database was restarted or failed over, which also means that it was away.
    public String databaseTimeline() {
        return handle.createQuery(
                        """
                        SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)
                          || '@' || pg_postmaster_start_time()
                        """)
                .mapTo(String.class)
                .one();
    }

    private boolean changes(String sql, Attempt attempt) {
        return of(sql, attempt).mapTo(UUID.class).findOne().isPresent();
    }

    private Query of(String sql, Attempt attempt) {
        return handle.createQuery(sql)
                .bind("job", attempt.job().value())
                .bind("epoch", attempt.epoch())
                .bind("lease", attempt.lease());
    }

    static <T extends SqlStatement<T>> T bindAll(T statement, List<Attempt> attempts) {
        return statement
                .bindArray(
                        "jobs", UUID.class, attempts.stream().map(a -> a.job().value()).toArray())
                .bindArray("epochs", Long.class, attempts.stream().map(Attempt::epoch).toArray())
                .bindArray("leases", UUID.class, attempts.stream().map(Attempt::lease).toArray());
    }

    private static RowMapper<HeldLease> heldRow() {
        return (row, _) ->
                new HeldLease(
                        new Attempt(
                                new JobId(row.getObject("job_id", UUID.class)),
                                row.getLong("epoch"),
                                row.getObject("lease_id", UUID.class)),
                        row.getString("lease_owner"),
                        row.getTimestamp("lease_expires_at").toInstant());
    }
}
