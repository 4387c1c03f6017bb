package dev.tunesmith.scheduler.queue;

import static dev.tunesmith.scheduler.TestDatabase.MODEL;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.data.DatasetStats;
import dev.tunesmith.contracts.data.RowFigures;
import dev.tunesmith.contracts.data.RowFormat;
import dev.tunesmith.contracts.data.RowSummary;
import dev.tunesmith.contracts.event.Manifest;
import dev.tunesmith.contracts.event.Report;
import dev.tunesmith.contracts.id.Ids;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.id.TaskId;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.contracts.inspect.Tally;
import dev.tunesmith.contracts.job.JobState;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.survey.Compute;
import dev.tunesmith.contracts.survey.DataSurvey;
import dev.tunesmith.contracts.survey.Price;
import dev.tunesmith.contracts.survey.RunEstimate;
import dev.tunesmith.contracts.survey.SurveyedFile;
import dev.tunesmith.contracts.survey.TokenCounts;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.scheduler.TestDatabase;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// What becomes of a survey: events, the estimate, the file of findings, the refusal.
@Tag("servers")
class SurveyTest {
    private static final DatasetStats STATS =
            new DatasetStats(100, 10_000, 5_000, 300, 90, 99, 2, 0, 95, 250, 44);

    private static TestDatabase db;

    @BeforeAll
    static void open() {
        db = TestDatabase.create(1000);
    }

    private static Validations validations(Optional<Price> price) {
        Clock clock = Clock.systemUTC();
        return new Validations(
                db.scheduler(),
                clock,
                Duration.ofSeconds(60),
                Duration.ofSeconds(35),
                new Ids(clock, new SecureRandom()),
                price);
    }

    private static DataSurvey survey(long problems, boolean ofValidation) {
        RowFigures figures =
                new RowFigures(1, Map.of("email", new Tally(1, List.of(7L))), Map.of(), Map.of());
        SurveyedFile training =
                new SurveyedFile(
                        "training_file",
                        false,
                        new RowSummary(
                                RowFormat.CHAT,
                                100,
                                0,
                                9,
                                ofValidation ? 0 : problems,
                                List.of(),
                                figures),
                        TokenCounts.of(STATS, 256));
        SurveyedFile validation =
                new SurveyedFile(
                        "validation_file",
                        true,
                        new RowSummary(
                                RowFormat.CHAT,
                                10,
                                0,
                                9,
                                ofValidation ? problems : 0,
                                List.of(),
                                RowFigures.EMPTY),
                        TokenCounts.of(STATS, 256));
        return new DataSurvey(List.of(training, validation), 1, new Compute("cpu", 2), null, null);
    }

    /// Brings a job to its verdict.
    private static JobId judged(
            Optional<Price> price, DataSurvey survey, @Nullable String key, Problem... problems) {
        JobId job = db.submit();
        Validations validations = validations(price);
        validations.run();
        TaskId task =
                new TaskId(
                        db.value(
                                "SELECT task_id FROM validation_task WHERE job_id = '"
                                        + job.value()
                                        + "'",
                                UUID.class));
        Manifest.Entry report =
                key == null
                        ? null
                        : new Manifest.Entry(
                                "findings.jsonl",
                                key.formatted(db.tenant().value(), job.value()),
                                5,
                                "ab".repeat(32));
        validations.answered(
                UUID.randomUUID(),
                new Report.Validated(
                        task,
                        job,
                        null,
                        STATS,
                        null,
                        List.of(problems),
                        problems.length == 0 ? 0 : 25,
                        MODEL,
                        survey,
                        report,
                        List.of()));
        return job;
    }

    private static RunEstimate estimate(JobId job) {
        return Objects.requireNonNull(
                Json.read(db.column(job, "survey::text", String.class), DataSurvey.class)
                        .estimate());
    }

    @Test
    void eachFileIsAnEventAndSoIsEachKindOfFinding() {
        JobId job = judged(Optional.empty(), survey(0, false), null);

        assertThat(db.state(job)).isEqualTo(JobState.QUEUED);
        assertThat(db.messages(job))
                .contains(
                        "training_file: 100 rows, 10,000 tokens (5,000 trained), p50 90, p90 95,"
                                + " p99 250, longest 300; 2 longer than 256, which cuts 44 tokens",
                        "training_file: 1 x email (holds an e-mail address): line 7");
        assertThat(String.join("\n", db.messages(job)))
                .contains("Estimate: ", "no price is set", "estimated, not measured");
    }

    @Test
    void thePriceOfTheTenantCountsBeforeThatOfThePlatform() {
        Optional<Price> platform = Optional.of(new Price(8, "EUR"));
        RunEstimate usual = estimate(judged(platform, survey(0, false), null));
        db.sql(
                "UPDATE tenant SET token_price = 2, token_currency = 'USD' WHERE tenant_id = '%s'"
                        .formatted(db.tenant().value()));
        RunEstimate own = estimate(judged(platform, survey(0, false), null));
        db.sql("UPDATE tenant SET token_price = NULL, token_currency = NULL");

        assertThat(usual.cost()).isEqualTo(8 * usual.trainedTokens() / 1e6);
        assertThat(usual.price()).isEqualTo("8 EUR a million trained tokens");
        assertThat(own.cost()).isEqualTo(2 * own.trainedTokens() / 1e6);
        assertThat(own.price()).contains("USD");
    }

    @Test
    void timeComesFromTheLastJobLikeItOnceOneHasTrained() {
        JobId first = judged(Optional.empty(), survey(0, false), null);
        assertThat(estimate(first).time()).startsWith("estimated, not measured");
        db.sql(
                "INSERT INTO job_metric (job_id, epoch, step, tenant_id, data) VALUES ('%s', 1, 9, '%s', '{\"tokens_per_s\": 50.0}')"
                        .formatted(first.value(), db.tenant().value()));

        RunEstimate measured = estimate(judged(Optional.empty(), survey(0, false), null));
        db.sql("DELETE FROM job_metric");

        assertThat(measured.time()).contains("50 tokens a second in " + first.wire());
        assertThat(measured.seconds()).isEqualTo(Math.round(measured.tokens() / 50.0));
    }

    @Test
    void theFindingsOfAJobAreAFileOfItsTenant() {
        JobId job =
                judged(Optional.empty(), survey(0, false), "t/%s/j/%s/findings/x/findings.jsonl");

        assertThat(
                        db.value(
                                """
                                SELECT f.object_key FROM job JOIN file f ON f.file_id = job.findings_file
                                WHERE f.purpose = 'fine-tune-results' AND f.tenant_id = job.tenant_id
                                  AND job.job_id = '%s'
                                """
                                        .formatted(job.value()),
                                String.class))
                .contains(job.value() + "/findings/");
    }

    @Test
    void findingsThatLieElsewhereAreNoFile() {
        String foreign = "t/" + new TenantId(new UUID(9, 9)).value() + "/j/x/findings.jsonl";
        JobId job = judged(Optional.empty(), survey(0, false), foreign);

        assertThat(db.column(job, "findings_file IS NULL", Boolean.class)).isTrue();
    }

    @Test
    void aRefusalNamesTheFileAndWhereTheRestIs() {
        Problem bad = Problem.ofLine(3, null, "no assistant turn");
        String key = "t/%s/j/%s/findings/x/findings.jsonl";
        JobId job = judged(Optional.empty(), survey(25, true), key, bad);

        assertThat(db.column(job, "error_param", String.class)).isEqualTo("validation_file");
        assertThat(db.column(job, "error_message", String.class))
                .isEqualTo(
                        "line 3: no assistant turn; and 24 more; all findings: GET"
                                + " /api/v1/jobs/%s/findings, or tunesmith jobs findings %s"
                                        .formatted(job.wire(), job.wire()));
        assertThat(db.column(job, "error_param", String.class)).isEqualTo("validation_file");
        assertThat(db.column(job, "survey IS NOT NULL", Boolean.class)).isTrue();
    }
}
