package dev.tunesmith.contracts.event;

import com.fasterxml.jackson.annotation.JsonTypeName;
import dev.tunesmith.contracts.id.Attempt;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.contracts.job.Phase;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Metrics of one step ([Topics#TELEMETRY]); may be lost.
///
/// @param seq grows within one attempt
/// @param metrics by name: `train_loss`, `learning_rate`, `grad_norm`, `tokens_per_s`,
///   [#SECONDS_LEFT], `train_mean_token_accuracy`, `valid_loss`, `valid_mean_token_accuracy` …
/// @param note what the owner of the job has to know; null if nothing happened
@JsonTypeName("telemetry")
public record Telemetry(
        TenantId tenant,
        Attempt attempt,
        long seq,
        Phase phase,
        long step,
        long totalSteps,
        double epoch,
        Map<String, Double> metrics,
        @Nullable String note)
        implements Message {
    /// Metrics only.
    public Telemetry(
            TenantId tenant,
            Attempt attempt,
            long seq,
            Phase phase,
            long step,
            long totalSteps,
            double epoch,
            Map<String, Double> metrics) {
        this(tenant, attempt, seq, phase, step, totalSteps, epoch, metrics, null);
    }

    /// Metric: how long the rest of the run takes at the pace of the recent steps.
    public static final String SECONDS_LEFT = "seconds_left";
}
