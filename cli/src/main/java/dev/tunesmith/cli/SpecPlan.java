package dev.tunesmith.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tunesmith.contracts.data.DatasetStats;
import dev.tunesmith.contracts.fit.MemoryPlan;
import dev.tunesmith.contracts.fit.ModelFacts;
import dev.tunesmith.contracts.job.JobRules;
import dev.tunesmith.contracts.job.JobSpec;
import dev.tunesmith.contracts.job.Lookup;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.job.Resolver;
import dev.tunesmith.contracts.method.ModelRole;
import dev.tunesmith.contracts.problem.Problem;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/// A spec with everything that can be said of it before a job is made: the same rules and the same
/// arithmetic as the platform's.
///
/// @param model shape of the model
/// @param stats figures of the rows, tokens estimated
/// @param memory what one device has
/// @param companions shapes of the other models that the job reads, as far as they are known
record SpecPlan(
        JobSpec spec,
        ModelFacts model,
        DatasetStats stats,
        long memory,
        Map<ModelRole, ModelFacts> companions,
        ResolvedSpec resolved) {
    private static final String ANY_FILE = "file-" + "0".repeat(32);
    private static final int BYTES_OF_TOKEN = 4;
    private static final JsonMapper WIRE =
            JsonMapper.builder()
                    .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
                    .build();

    /// Reads a spec.
    ///
    /// @throws CommandFailure with all problems at once
    static JobSpec checked(ObjectNode given) {
        ObjectNode body = given.deepCopy();
        for (SpecFile.FilePlace place : SpecFile.files(body)) {
            if (!SpecFile.isFileId(place.value())) {
                place.put(ANY_FILE);
            }
        }
        // Whether models are there is the server's to say: the one in training, and a teacher's, a
        // reference's or those of graders, wherever they stand.
        Set<String> models = new TreeSet<>(body.findValuesAsText("model"));
        models.addAll(body.findValuesAsText("teacher"));
        models.addAll(body.path("x_training").findValuesAsText("reference"));
        @SuppressWarnings("unchecked")
        Map<String, Object> tree = Api.JSON.convertValue(body, Map.class);
        return switch (JobRules.check(tree, new Lookup.AnyFile(models))) {
            case JobRules.Ok(JobSpec spec, boolean _) -> spec;
            case JobRules.Bad(List<Problem> problems) ->
                    throw new CommandFailure(
                            ExitCode.USAGE,
                            problems.size() == 1
                                    ? "the spec has a problem"
                                    : "the spec has %d problems".formatted(problems.size()),
                            problems.stream().map(SpecPlan::line).toList());
        };
    }

    private static String line(Problem problem) {
        String suggestion = problem.suggestion();
        return "%s: %s%s"
                .formatted(
                        problem.param(),
                        problem.message(),
                        suggestion == null ? "" : " (did you mean " + suggestion + "?)");
    }

    static SpecPlan of(
            ObjectNode body, ModelFacts model, Map<ModelRole, ModelFacts> companions, long memory) {
        JobSpec spec = checked(body);
        DatasetStats stats = stats(body.path("training_file").asText());
        return new SpecPlan(
                spec,
                model,
                stats,
                memory,
                companions,
                Resolver.resolve(spec, model, stats, memory, companions));
    }

    MemoryPlan memoryPlan() {
        return MemoryPlan.of(model, Resolver.workload(resolved, stats, companions));
    }

    /// Shape of a model by its folder.
    static ModelFacts facts(Path folder) {
        try {
            @SuppressWarnings("unchecked")
            Map<String, Object> config =
                    Api.JSON.readValue(folder.resolve("config.json").toFile(), Map.class);
            return ModelFacts.fromConfig(config);
        } catch (IOException | IllegalArgumentException e) {
            throw new CommandFailure(
                    ExitCode.USAGE, "cannot read the model in " + folder + ": " + e.getMessage());
        }
    }

    /// Shape of a model of the server.
    static ModelFacts facts(Api api, String name) {
        JsonNode facts = api.get("/api/v1/models/" + Api.quoted(name)).path("facts");
        try {
            return WIRE.convertValue(facts, ModelFacts.class);
        } catch (IllegalArgumentException e) {
            throw new CommandFailure(
                    ExitCode.OTHER,
                    "the server does not say what shape %s has; give its folder with --model-dir"
                            .formatted(name));
        }
    }

    /// Rows of a local file, a token for every few bytes of a line.
    private static DatasetStats stats(String file) {
        Path path = Path.of(file);
        if (file.isEmpty() || !Files.isRegularFile(path)) {
            return DatasetStats.EMPTY;
        }
        long rows = 0;
        long tokens = 0;
        int longest = 0;
        try (BufferedReader lines = Files.newBufferedReader(path)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                int length = Math.ceilDiv(line.length(), BYTES_OF_TOKEN);
                rows++;
                tokens += length;
                longest = Math.max(longest, length);
            }
        } catch (IOException e) {
            throw new CommandFailure(
                    ExitCode.USAGE, "cannot read the rows of " + path + ": " + e.getMessage());
        }
        int mean = rows == 0 ? 0 : Math.toIntExact(tokens / rows);
        return new DatasetStats(rows, tokens, tokens, longest, mean, longest, 0, 0);
    }
}
