package dev.tunesmith.cli.job;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.tunesmith.cli.CommandFailure;
import dev.tunesmith.cli.ExitCode;
import dev.tunesmith.cli.Output;
import dev.tunesmith.contracts.survey.DataSurvey;
import dev.tunesmith.contracts.survey.SurveyText;
import java.util.ArrayList;
import java.util.List;

/// What was found in the data of a job, for people: a table of its files, then what the run will
/// take.
public final class SurveyLines {

    private static final JsonMapper JSON =
            JsonMapper.builder()
                    .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
                    .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                    .build();

    private SurveyLines() {}

    /// The table, the estimate and the difference of templates, as far as they are known.
    ///
    /// @param survey the `data` of a job
    public static List<String> of(JsonNode survey) {
        DataSurvey read = read(survey);
        List<String> lines = new ArrayList<>(Output.lines(SurveyText.table(read)));
        List<List<String>> estimate = SurveyText.estimate(read);
        if (!estimate.isEmpty()) {
            lines.add("");
            lines.add("ESTIMATE");
            lines.addAll(Output.lines(estimate));
        }
        String templates = read.templates();
        if (templates != null) {
            lines.add("");
            lines.add("TEMPLATE");
            templates.lines().forEach(lines::add);
        }
        return List.copyOf(lines);
    }

    private static DataSurvey read(JsonNode tree) {
        try {
            return JSON.treeToValue(tree, DataSurvey.class);
        } catch (JsonProcessingException e) {
            throw new CommandFailure(
                    ExitCode.PLATFORM, "the server's survey cannot be read: " + e.getMessage());
        }
    }
}
