package dev.tunesmith.trainer.attempt;

import dev.tunesmith.contracts.data.DatasetStats;
import dev.tunesmith.contracts.data.RowSummary;
import dev.tunesmith.contracts.event.ChildReport;
import dev.tunesmith.contracts.event.ExitCode;
import dev.tunesmith.contracts.event.ModelSource;
import dev.tunesmith.contracts.event.ObjectRef;
import dev.tunesmith.contracts.event.ValidateTask;
import dev.tunesmith.contracts.fit.ModelFacts;
import dev.tunesmith.contracts.job.Phase;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.mixture.DataPlan;
import dev.tunesmith.contracts.mixture.Reading;
import dev.tunesmith.contracts.mixture.TrainedTurns;
import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.contracts.problem.Problems;
import dev.tunesmith.engine.corpus.Corpus;
import dev.tunesmith.engine.corpus.CorpusFile;
import dev.tunesmith.engine.data.DatasetTokenizer;
import dev.tunesmith.engine.data.TrainingFile;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.ModelFileException;
import dev.tunesmith.engine.loop.TrainingRun;
import dev.tunesmith.engine.model.Architecture;
import dev.tunesmith.engine.model.UnsupportedModelException;
import dev.tunesmith.engine.text.NamedFormat;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Reads the files of a job with the tokenizer and template of its base model, and reports figures
/// and every row that cannot be used.
final class CheckTask {

    private final ValidateTask task;
    private final ParentLink parent;
    private final Storage storage;
    private final Room room;
    private final List<String> notes = new ArrayList<>();

    CheckTask(ValidateTask task, ParentLink parent, Storage storage, Room room) {
        this.task = task;
        this.parent = parent;
        this.storage = storage;
        this.room = room;
    }

    /// Does all of it and returns the exit status of the process.
    int run() throws IOException, InterruptedException {
        parent.send(new ChildReport.Entered(Phase.VALIDATING, 0, 0));
        Problems problems = new Problems(task.limits().problems());
        ModelSource base = task.base();
        Findings findings = base == null ? rowsOnly(problems) : withModel(base, problems);
        parent.send(
                new ChildReport.Validated(
                        findings.training(),
                        findings.validation(),
                        problems.kept(),
                        problems.count(),
                        findings.facts(),
                        notes));
        return ExitCode.FINISHED;
    }

    private record Findings(
            DatasetStats training, @Nullable DatasetStats validation, @Nullable ModelFacts facts) {}

    private ModelDirectory model(ModelSource base) throws IOException, InterruptedException {
        try {
            ModelDirectory directory = ModelDirectory.open(storage.model(base));
            directory.openWeights().close();
            Architecture _ = Architecture.of(directory.config());
            ModelFacts _ = TrainingRun.facts(directory);
            return directory;
        } catch (ModelFileException | UnsupportedModelException e) {
            throw AttemptFailure.baseModel(base.name(), e);
        }
    }

    private Findings withModel(ModelSource base, Problems problems)
            throws IOException, InterruptedException {
        ModelDirectory model = model(base);
        ModelFacts facts = TrainingRun.facts(model);
        Integer wanted = task.limits().maxSeqLen();
        Method method = task.method() == null ? Method.SUPERVISED : task.method();
        ValidateTask.Mixed mixed = task.mixed();
        var options =
                new DatasetTokenizer.Options(
                        method,
                        wanted == null ? facts.contextLength() : wanted,
                        task.limits().overflow(),
                        mixed == null ? TrainedTurns.ANSWERS : mixed.trained(),
                        task.limits().problems());
        String named = mixed == null ? null : mixed.template();
        Optional<String> template = NamedFormat.source(model, named);
        NamedFormat.difference(model, named).ifPresent(notes::add);
        DataPlan plan = mixed == null ? DataPlan.PLAIN : mixed.plan();
        try (DatasetTokenizer tokenizer =
                DatasetTokenizer.of(model, options, template, Architecture.sight(model.config()))) {
            DatasetStats training = read(tokenizer, trainingFiles(plan), plan, problems);
            DatasetStats validation = null;
            if (task.validation() != null) {
                Reading asked = plan.validation();
                CorpusFile file =
                        CorpusFile.whole(
                                storage.file(task.validation()),
                                "validation_file",
                                asked == null ? Reading.RECOGNISED : asked);
                validation = read(tokenizer, List.of(file), DataPlan.PLAIN, problems);
            }
            return new Findings(training, validation, facts);
        } catch (ModelFileException e) {
            throw AttemptFailure.baseModel(base.name(), e);
        }
    }

    private List<CorpusFile> trainingFiles(DataPlan plan) throws IOException, InterruptedException {
        List<ObjectRef> objects = new ArrayList<>(List.of(task.training()));
        if (task.mixed() != null) {
            objects.addAll(task.mixed().others());
        }
        List<CorpusFile> files = new ArrayList<>();
        for (int i = 0; i < objects.size(); i++) {
            Path path = storage.file(objects.get(i));
            files.add(
                    plan.files().isEmpty()
                            ? CorpusFile.whole(path, "training_file", Reading.RECOGNISED)
                            : CorpusFile.of(path, plan.files().get(i)));
        }
        return files;
    }

    private DatasetStats read(
            DatasetTokenizer tokenizer, List<CorpusFile> files, DataPlan plan, Problems problems)
            throws IOException {
        String param =
                files.getFirst().name().startsWith("validation")
                        ? "validation_file"
                        : "training_file";
        long seed = task.mixed() == null ? 0 : task.mixed().seed();
        try (Corpus rows =
                Corpus.read(
                        tokenizer,
                        files,
                        plan,
                        seed,
                        room.folder(param),
                        storage.tokens(task.tenant()))) {
            notes.addAll(rows.notes());
            rows.problems().forEach(problems::add);
            for (long i = rows.problems().size(); i < rows.problemCount(); i++) {
                problems.add(ProblemCode.INVALID_TRAINING_FILE, param, "a further problem");
            }
            boolean answersItself = tokenizer.options().method().rowKind() == Method.RowKind.PROMPT;
            boolean nothing =
                    answersItself ? rows.rows().rows() == 0 : rows.stats().trainedTokens() == 0;
            if (rows.problemCount() == 0 && nothing) {
                problems.add(
                        ProblemCode.INVALID_TRAINING_FILE,
                        param,
                        "the file has no token to train on (%d rows)"
                                .formatted(rows.stats().rows()));
            }
            return rows.stats();
        }
    }

    /// Without a model there are no tokens to count; rows are counted and their shape is checked.
    private Findings rowsOnly(Problems problems) throws IOException, InterruptedException {
        RowSummary summary = TrainingFile.check(storage.file(task.training()));
        summary.problems().forEach(problems::add);
        for (long i = summary.problems().size(); i < summary.problemCount(); i++) {
            problems.add(ProblemCode.INVALID_TRAINING_FILE, "training_file", "a further problem");
        }
        return new Findings(new DatasetStats(summary.rows(), 0, 0, 0, 0, 0, 0, 0), null, null);
    }
}
