package dev.tunesmith.bench;

import dev.tunesmith.contracts.data.DatasetStats;
import dev.tunesmith.contracts.fit.ModelFacts;
import dev.tunesmith.contracts.id.FileId;
import dev.tunesmith.contracts.job.JobRules;
import dev.tunesmith.contracts.job.JobSpec;
import dev.tunesmith.contracts.job.Lookup;
import dev.tunesmith.contracts.job.Overflow;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.job.Resolver;
import dev.tunesmith.contracts.mixture.TrainedTurns;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.engine.data.DatasetTokenizer;
import dev.tunesmith.engine.data.SourceRows;
import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.loop.Incident;
import dev.tunesmith.engine.loop.LoopState;
import dev.tunesmith.engine.loop.Outcome;
import dev.tunesmith.engine.loop.TrainingRun;
import dev.tunesmith.engine.model.Architecture;
import dev.tunesmith.engine.model.FreshWeights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;

/// Trains on this machine without any service: the create body of a job, a model folder and a
/// training file in, an adapter or a model folder out.
///
/// `LocalTraining SPEC.json MODEL TRAINING.jsonl OUT [VALIDATION.jsonl]`. `model` and the file ids
/// may be left out of the spec. A model folder without weights gets random ones first. A run that
/// was interrupted goes on from its last checkpoint when the same command is given again.
public final class LocalTraining {

    private static final long DEVICE_BYTES = 4L << 30;
    private static final int PROBLEMS_LISTED = 10;

    private LocalTraining() {}

    /// See the class.
    public static void main(String[] arguments) throws IOException {
        if (arguments.length < 4 || arguments.length > 5) {
            throw new IllegalArgumentException(
                    "usage: LocalTraining SPEC.json MODEL TRAINING.jsonl OUT [VALIDATION.jsonl]");
        }
        Path model = Path.of(arguments[1]);
        Path out = Path.of(arguments[3]);
        Optional<Path> validation =
                arguments.length == 5 ? Optional.of(Path.of(arguments[4])) : Optional.empty();
        if (Files.exists(out)) {
            throw new IllegalArgumentException(out + " exists; name a new folder");
        }
        JobSpec asked = spec(Path.of(arguments[0]), model, validation);
        if (!Files.exists(model.resolve(ModelDirectory.WEIGHTS))
                && !Files.exists(model.resolve(ModelDirectory.INDEX))) {
            FreshWeights.write(model, asked.seed() == null ? 42 : asked.seed());
        }
        var sources =
                new TrainingRun.Sources(
                        ModelDirectory.open(model), Path.of(arguments[2]), validation);
        train(resolve(asked, sources), sources, out);
    }

    private static void train(ResolvedSpec spec, TrainingRun.Sources sources, Path out)
            throws IOException {
        Path work = Files.createDirectories(out.resolveSibling(out.getFileName() + ".work"));
        Path tokens = Files.createTempDirectory(work, "tokens-");
        try (TrainingRun run = TrainingRun.prepare(spec, sources, tokens, DEVICE_BYTES)) {
            LocalCheckpoints checkpoints = new LocalCheckpoints(run, work);
            LoopState from = checkpoints.latest().orElseGet(run::start);
            System.out.printf(
                    "%d rows, %d trained parameters, %d steps from step %d, %s%n",
                    run.plan().order().rows(),
                    run.trainedParameters(),
                    run.plan().totalSteps(),
                    from.step(),
                    TrainingRun.environment());
            switch (run.loop(from, checkpoints).run()) {
                case Outcome.Finished(LoopState end) -> {
                    Path folder = Files.createDirectories(work.resolve("result"));
                    run.writeResult(folder, end);
                    Files.move(folder, out);
                    System.out.println("written: " + out);
                }
                case Outcome.Stopped(LoopState end, boolean _) ->
                        System.out.println("stopped after step " + end.step());
                case Outcome.Diverged(Incident incident) ->
                        throw new IllegalStateException("diverged: " + incident.text());
            }
        }
        LocalCheckpoints.deleteTree(work);
    }

    private static ResolvedSpec resolve(JobSpec asked, TrainingRun.Sources sources)
            throws IOException {
        ModelFacts facts = ModelFacts.fromConfig(sources.base().config());
        var options =
                new DatasetTokenizer.Options(
                        asked.method(),
                        facts.contextLength(),
                        Overflow.TRUNCATE,
                        TrainedTurns.ANSWERS,
                        PROBLEMS_LISTED);
        DatasetStats stats;
        try (DatasetTokenizer tokenizer =
                DatasetTokenizer.of(
                        sources.base(),
                        options,
                        Optional.empty(),
                        Architecture.sight(sources.base().config()))) {
            DatasetTokenizer.Findings rows =
                    tokenizer.read(SourceRows.of(sources.training()), _ -> {});
            if (rows.problemCount() > 0) {
                throw new IllegalArgumentException(lines(rows.problems()));
            }
            stats = rows.stats();
        }
        System.out.println(stats);
        ResolvedSpec spec = Resolver.resolve(asked, facts, stats, DEVICE_BYTES);
        System.out.println(spec);
        return spec;
    }

    private static JobSpec spec(Path file, Path model, Optional<Path> validation) {
        Map<String, Object> body = new LinkedHashMap<>(JsonTree.read(file));
        String name = body.getOrDefault("model", model.getFileName().toString()).toString();
        body.put("model", name);
        FileId id = new FileId(new UUID(0, 1));
        body.put("training_file", id.wire());
        validation.ifPresent(_ -> body.put("validation_file", id.wire()));
        return switch (JobRules.check(body, new Lookup.AnyFile(Set.of(name)))) {
            case JobRules.Ok(JobSpec spec, boolean _) -> spec;
            case JobRules.Bad(List<Problem> problems) ->
                    throw new IllegalArgumentException(lines(problems));
        };
    }

    private static String lines(List<Problem> problems) {
        List<String> lines = new ArrayList<>(List.of("this cannot be trained:"));
        problems.forEach(problem -> lines.add(problem.text()));
        return lines.stream().collect(Collectors.joining("\n  "));
    }
}
