package dev.tunesmith.api.grader;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.tunesmith.contracts.method.Grader;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.jspecify.annotations.Nullable;

/// What a grader made of one answer, in OpenAI's words.
///
/// @param subRewards scores of the parts of a multi grader
@JsonInclude(JsonInclude.Include.ALWAYS)
@Schema(name = "GraderRun")
record GraderRun(
        double reward,
        Metadata metadata,
        Map<String, Double> subRewards,
        Map<String, ModelJudge.Usage> modelGraderTokenUsagePerModel) {

    private static final List<String> FLAGS =
            List.of(
                    "formula_parse_error",
                    "sample_parse_error",
                    "truncated_observation_error",
                    "unresponsive_reward_error",
                    "invalid_variable_error",
                    "other_error",
                    "python_grader_server_error",
                    "python_grader_runtime_error",
                    "model_grader_server_error",
                    "model_grader_refusal_error",
                    "model_grader_parse_error");
    private static final List<String> DETAILS =
            List.of(
                    "python_grader_server_error_type",
                    "python_grader_runtime_error_details",
                    "model_grader_server_error_details");

    /// How it came about.
    ///
    /// @param errors a flag for each way in which a grader may fail, and their details
    /// @param executionTime in seconds
    @JsonInclude(JsonInclude.Include.ALWAYS)
    @Schema(name = "GraderRunMetadata")
    record Metadata(
            String name,
            String type,
            Map<String, Object> errors,
            double executionTime,
            Map<String, Double> scores,
            @Nullable Long tokenUsage,
            @Nullable String sampledModelName) {}

    /// Scores an answer and notes what went wrong.
    static GraderRun of(Grader grader, Map<String, Object> item, String answer, ModelJudge judge) {
        long start = System.nanoTime();
        boolean gaps = !grader.gaps(item).isEmpty();
        double score = gaps ? 0 : grader.score(item, answer, judge);
        boolean several = grader.bare() instanceof Grader.Multi;
        Map<String, Double> parts =
                several && !gaps ? grader.scores(item, answer, judge) : Map.of();
        double seconds = (System.nanoTime() - start) / 1e9;
        boolean failed = gaps || judge.serverError().isPresent() || judge.isUnread();
        Map<String, Object> wire = grader.wire("grader");
        long tokens =
                judge.usage().values().stream().mapToLong(ModelJudge.Usage::totalTokens).sum();
        return new GraderRun(
                failed || !Double.isFinite(score) ? 0 : score,
                new Metadata(
                        String.valueOf(wire.get("name")),
                        String.valueOf(wire.get("type")),
                        errors(gaps, judge),
                        seconds,
                        parts,
                        judge.usage().isEmpty() ? null : tokens,
                        judge.usage().keySet().stream().findFirst().orElse(null)),
                parts,
                judge.usage());
    }

    private static Map<String, Object> errors(boolean gaps, ModelJudge judge) {
        var errors = new LinkedHashMap<String, Object>();
        FLAGS.forEach(flag -> errors.put(flag, false));
        DETAILS.forEach(detail -> errors.put(detail, null));
        errors.put("invalid_variable_error", gaps);
        errors.put("model_grader_parse_error", judge.isUnread());
        judge.serverError()
                .ifPresent(reason -> {
                    errors.put("model_grader_server_error", true);
                    errors.put("model_grader_server_error_details", reason);
                });
        return errors;
    }
}
