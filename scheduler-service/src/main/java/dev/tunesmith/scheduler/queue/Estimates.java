package dev.tunesmith.scheduler.queue;

import dev.tunesmith.contracts.event.Report;
import dev.tunesmith.contracts.fit.ModelFacts;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.survey.Compute;
import dev.tunesmith.contracts.survey.DataSurvey;
import dev.tunesmith.contracts.survey.Pace;
import dev.tunesmith.contracts.survey.Price;
import dev.tunesmith.contracts.survey.RunEstimate;
import dev.tunesmith.platform.json.Json;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/// What a run will take: by the pace of the tenant's last job like it, or by its operations; and by
/// the price of its tenant, or of the platform. Inside one transaction.
record Estimates(Handle handle, Optional<Price> usual) {

    /// Where a host does not say what it computes on.
    private static final Compute UNKNOWN = new Compute("cpu", 1);

    /// Another tenant's jobs are not looked at: their pace would tell of them.
    private static final String MEASURED =
            """
            SELECT like_it.job_id, (m.data ->> 'tokens_per_s')::float8 AS rate
            FROM job
            JOIN job like_it ON like_it.tenant_id = job.tenant_id AND like_it.job_id <> job.job_id
              AND like_it.spec ->> 'model' = job.spec ->> 'model' AND like_it.flavor = job.flavor
            JOIN job_metric m ON m.job_id = like_it.job_id
            WHERE job.job_id = :job AND (m.data ->> 'tokens_per_s')::float8 > 0
              AND like_it.resolved -> 'adapter' ->> 'type' = :adapter
              AND like_it.resolved -> 'settings' ->> 'type' = :method
            ORDER BY m.at DESC
            LIMIT 1
            """;

    private static final String PRICE =
            """
            SELECT t.token_price, t.token_currency
            FROM job JOIN tenant t ON t.tenant_id = job.tenant_id
            WHERE job.job_id = :job AND t.token_price IS NOT NULL
            """;

    RunEstimate of(JobId job, Report.Validated report, ResolvedSpec spec, ModelFacts model) {
        DataSurvey survey = report.survey();
        Compute host = survey == null ? null : survey.compute();
        Pace pace =
                measured(job, spec)
                        .orElseGet(() ->
                                Pace.estimated(
                                        model,
                                        spec,
                                        host == null ? UNKNOWN : host,
                                        report.training().median()));
        return RunEstimate.of(report.training(), spec, pace, price(job));
    }

    private Optional<Pace> measured(JobId job, ResolvedSpec spec) {
        return handle.createQuery(MEASURED)
                .bind("job", job.value())
                .bind("adapter", type(spec.adapter()))
                .bind("method", type(spec.settings()))
                .map((row, _) ->
                        Pace.measured(
                                row.getDouble("rate"),
                                new JobId(row.getObject("job_id", UUID.class)).wire()))
                .findOne();
    }

    private static String type(Object value) {
        return String.valueOf(Json.treeOf(value).get("type"));
    }

    private Optional<Price> price(JobId job) {
        return handle.createQuery(PRICE)
                .bind("job", job.value())
                .map((row, _) ->
                        new Price(row.getDouble("token_price"), row.getString("token_currency")))
                .findOne()
                .or(() -> usual);
    }
}
