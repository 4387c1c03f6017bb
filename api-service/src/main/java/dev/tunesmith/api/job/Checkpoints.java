package dev.tunesmith.api.job;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.tunesmith.api.tenant.Caller;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.id.TunedName;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.sql.Database;
import jakarta.inject.Singleton;
import java.time.Instant;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.jspecify.annotations.Nullable;

/// The committed checkpoints of jobs; others do not exist for a client.
@Singleton
final class Checkpoints {
    private static final Pattern ID = Pattern.compile("ftckpt_[0-9a-f]{32}([0-9a-f]{16})");

    /// Every validation looks at all rows, so its figures are the full ones too.
    private static final List<String> METRICS =
            List.of(
                    "step",
                    "train_loss",
                    "train_mean_token_accuracy",
                    "valid_loss",
                    "valid_mean_token_accuracy",
                    "full_valid_loss",
                    "full_valid_mean_token_accuracy");

    private final Database database;

    Checkpoints(Database database) {
        this.database = database;
    }

    /// A row.
    ///
    /// @param organization short name of the tenant's organization
    record Checkpoint(long step, Map<String, Object> metrics, Instant at, String organization) {}

    /// A `fine_tuning.job.checkpoint` on the wire.
    @JsonInclude(JsonInclude.Include.ALWAYS)
    @Schema(name = "Checkpoint")
    record View(
            String id,
            String object,
            long createdAt,
            String fineTunedModelCheckpoint,
            String fineTuningJobId,
            long stepNumber,
            Map<String, Object> metrics) {

        static View of(Job job, Checkpoint checkpoint) {
            String model =
                    TunedName.of(
                            job.spec().model(),
                            checkpoint.organization(),
                            job.spec().labels().suffix(),
                            job.id());
            var metrics = new LinkedHashMap<String, Object>();
            for (String key : METRICS) {
                Object value = checkpoint.metrics().get(key.replaceFirst("^full_", ""));
                if (value != null) {
                    metrics.put(key, value);
                }
            }
            metrics.put("step", checkpoint.step());
            return new View(
                    job.id().wire().replace("ftjob-", "ftckpt_")
                            + HexFormat.of().toHexDigits(checkpoint.step()),
                    "fine_tuning.job.checkpoint",
                    checkpoint.at().getEpochSecond(),
                    TunedName.checkpoint(model, checkpoint.step()),
                    job.id().wire(),
                    checkpoint.step(),
                    metrics);
        }
    }

    /// The step in a checkpoint's id.
    static Optional<Long> step(String id) {
        Matcher matcher = ID.matcher(id);
        return matcher.matches()
                ? Optional.of(HexFormat.fromHexDigitsToLong(matcher.group(1)))
                : Optional.empty();
    }

    /// The newest checkpoints before a step, one more than the limit where there is one. Of a step
    /// that was run twice the later one counts.
    List<Checkpoint> before(Caller caller, JobId job, @Nullable Long step, int limit) {
        return database.inTenant(
                caller.tenant(),
                caller.actor(),
                handle ->
                        handle.createQuery(
                                        """
                                        SELECT DISTINCT ON (c.step) c.step, c.metrics::text AS metrics, c.at, o.slug
                                        FROM checkpoint c JOIN tenant t ON t.tenant_id = c.tenant_id
                                          JOIN organization o ON o.org_id = t.org_id
                                        WHERE c.tenant_id = :tenant AND c.job_id = :job AND c.state = 'LIVE'
                                          AND (CAST(:step AS bigint) IS NULL OR c.step < :step)
                                        ORDER BY c.step DESC, c.epoch DESC
                                        LIMIT :limit
                                        """)
                                .bind("tenant", caller.tenant().value())
                                .bind("job", job.value())
                                .bind("step", step)
                                .bind("limit", limit + 1)
                                .map((row, _) ->
                                        new Checkpoint(
                                                row.getLong("step"),
                                                Json.tree(row.getString("metrics")),
                                                row.getTimestamp("at").toInstant(),
                                                row.getString("slug")))
                                .list());
    }
}
