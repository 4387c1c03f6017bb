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
import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.contracts.problem.Problems;
import dev.tunesmith.engine.data.DatasetTokenizer;
import dev.tunesmith.engine.data.DatasetTokenizer.Tokenized;
import dev.tunesmith.engine.data.TrainingFile;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.ModelFileException;
import dev.tunesmith.engine.loop.TrainingRun;
import dev.tunesmith.engine.model.Architecture;
import dev.tunesmith.engine.model.UnsupportedModelException;
import java.io.IOException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Reads the files of a job with the tokenizer and template of its base model, and reports figures
/// and every row that cannot be used.
final class CheckTask {

    private final ValidateTask task;
    private final ParentLink parent;
    private final Storage storage;

    CheckTask(ValidateTask task, ParentLink parent, Storage storage) {
        this.task = task;
        this.parent = parent;
        this.storage = storage;
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
                        findings.facts()));
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
        var options =
                new DatasetTokenizer.Options(
                        method,
                        wanted == null ? facts.contextLength() : wanted,
                        task.limits().overflow(),
                        DatasetTokenizer.Trained.ANSWERS,
                        task.limits().problems());
        try (DatasetTokenizer tokenizer =
                DatasetTokenizer.of(
                        model, options, Optional.empty(), Architecture.sight(model.config()))) {
            DatasetStats training = read(tokenizer, task.training(), "training_file", problems);
            DatasetStats validation =
                    task.validation() == null
                            ? null
                            : read(tokenizer, task.validation(), "validation_file", problems);
            return new Findings(training, validation, facts);
        } catch (ModelFileException e) {
            throw AttemptFailure.baseModel(base.name(), e);
        }
    }

    private DatasetStats read(
            DatasetTokenizer tokenizer, ObjectRef file, String param, Problems problems)
            throws IOException, InterruptedException {
        Tokenized rows = tokenizer.read(storage.file(file));
        rows.problems().forEach(problems::add);
        for (long i = rows.problems().size(); i < rows.problemCount(); i++) {
            problems.add(ProblemCode.INVALID_TRAINING_FILE, param, "a further problem");
        }
        Method method = task.method();
        boolean answersItself = method != null && method.rowKind() == Method.RowKind.PROMPT;
        boolean nothing =
                answersItself ? rows.samples().isEmpty() : rows.stats().trainedTokens() == 0;
        if (rows.problemCount() == 0 && nothing) {
            problems.add(
                    ProblemCode.INVALID_TRAINING_FILE,
                    param,
                    "the file has no token to train on (%d rows)".formatted(rows.stats().rows()));
        }
        return rows.stats();
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
