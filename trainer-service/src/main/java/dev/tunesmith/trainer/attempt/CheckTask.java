package dev.tunesmith.trainer.attempt;

import dev.tunesmith.contracts.data.DatasetStats;
import dev.tunesmith.contracts.data.FileInspection;
import dev.tunesmith.contracts.data.RowSummary;
import dev.tunesmith.contracts.event.ChildReport;
import dev.tunesmith.contracts.event.ExitCode;
import dev.tunesmith.contracts.event.Manifest;
import dev.tunesmith.contracts.event.ModelSource;
import dev.tunesmith.contracts.event.ObjectRef;
import dev.tunesmith.contracts.event.ValidateTask;
import dev.tunesmith.contracts.fit.ModelFacts;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.inspect.Finding;
import dev.tunesmith.contracts.job.Phase;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.mixture.DataPlan;
import dev.tunesmith.contracts.mixture.Reading;
import dev.tunesmith.contracts.mixture.TrainedTurns;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.contracts.problem.Problems;
import dev.tunesmith.contracts.survey.DataSurvey;
import dev.tunesmith.contracts.survey.SurveyedFile;
import dev.tunesmith.contracts.survey.TokenCounts;
import dev.tunesmith.contracts.template.ChatOptions;
import dev.tunesmith.engine.corpus.Corpus;
import dev.tunesmith.engine.corpus.CorpusFile;
import dev.tunesmith.engine.corpus.RowWatch;
import dev.tunesmith.engine.data.DatasetTokenizer;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.ModelFileException;
import dev.tunesmith.engine.loop.TrainingRun;
import dev.tunesmith.engine.model.Architecture;
import dev.tunesmith.engine.model.UnsupportedModelException;
import dev.tunesmith.engine.prepare.TemplateDifference;
import dev.tunesmith.engine.rows.FileScan;
import dev.tunesmith.engine.rows.RowSource;
import dev.tunesmith.engine.text.NamedFormat;
import dev.tunesmith.platform.json.FindingLines;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Reads the files of a job with the tokenizer and template of its base model, and reports figures
/// and every row that cannot be used. What is noteworthy about any row goes into a file of its own.
final class CheckTask implements RowWatch {

    private static final String TRAINING = "training_file";
    private static final String VALIDATION = "validation_file";

    private final ValidateTask task;
    private final ParentLink parent;
    private final Storage storage;
    private final Room room;
    private final List<String> notes = new ArrayList<>();
    private final List<SurveyedFile> surveyed = new ArrayList<>();
    private @Nullable FindingLines findings;
    private @Nullable FileInspection before;
    private String nameBefore = "";
    private @Nullable String templates;
    private int context;
    private boolean validates;

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
        Path file = room.folder("report").resolve(FindingLines.NAME);
        Figures figures;
        long found;
        try (FindingLines report = FindingLines.of(file)) {
            findings = report;
            figures = base == null ? rowsOnly(problems) : withModel(base, problems);
            found = report.count();
        }
        parent.send(
                new ChildReport.Validated(
                        figures.training(),
                        figures.validation(),
                        problems.kept(),
                        problems.count(),
                        figures.facts(),
                        new DataSurvey(surveyed, found, null, templates, null),
                        found == 0 ? null : stored(file).orElse(null),
                        notes));
        return ExitCode.FINISHED;
    }

    private record Figures(
            DatasetStats training, @Nullable DatasetStats validation, @Nullable ModelFacts facts) {}

    /// Puts the findings beside what the job will write, so that they are kept as long as it.
    private Optional<Manifest.Entry> stored(Path file) throws IOException, InterruptedException {
        JobId job = task.job();
        if (job == null) {
            return Optional.empty();
        }
        String key =
                "t/%s/j/%s/findings/%s/%s"
                        .formatted(
                                task.tenant().value(),
                                job.value(),
                                UUID.randomUUID(),
                                FindingLines.NAME);
        return Optional.of(storage.put(key, FindingLines.NAME, file));
    }

    // ---- what is seen of each file

    @Override
    public FileInspection begin(CorpusFile file) {
        Consumer<Finding> sink =
                Objects.requireNonNull(findings, "opened before any file is read").of(file.name());
        FileInspection earlier = before;
        before =
                earlier == null
                        ? FileInspection.comparing(FileInspection.ROWS_COMPARED, sink)
                        : earlier.after(nameBefore, validates, FileInspection.ROWS_COMPARED, sink);
        nameBefore = file.name();
        return before;
    }

    @Override
    public void end(CorpusFile file, RowSummary rows, DatasetStats stats) {
        surveyed.add(
                new SurveyedFile(file.name(), validates, rows, TokenCounts.of(stats, context)));
    }

    // ---- reading

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

    private Figures withModel(ModelSource base, Problems problems)
            throws IOException, InterruptedException {
        ModelDirectory model = model(base);
        Optional<Path> adapter = storage.adapter(base);
        ModelFacts facts = TrainingRun.facts(model, adapter);
        Integer wanted = task.limits().maxSeqLen();
        context = wanted == null ? facts.contextLength() : wanted;
        Method method = task.method() == null ? Method.SUPERVISED : task.method();
        ValidateTask.Mixed mixed = task.mixed();
        var options =
                new DatasetTokenizer.Options(
                        method,
                        context,
                        task.limits().overflow(),
                        mixed == null ? TrainedTurns.ANSWERS : mixed.trained(),
                        task.limits().problems(),
                        mixed == null ? ChatOptions.NONE : mixed.plan().chat());
        String named = mixed == null ? null : mixed.template();
        Optional<String> template = NamedFormat.source(model, named, adapter);
        DataPlan plan = mixed == null ? DataPlan.PLAIN : mixed.plan();
        compareTemplates(model, named, plan, method);
        try (DatasetTokenizer tokenizer =
                DatasetTokenizer.of(model, options, template, Architecture.sight(model.config()))) {
            DatasetStats training = read(tokenizer, trainingFiles(plan), plan, problems);
            DatasetStats validation = null;
            if (task.validation() != null) {
                validates = true;
                Reading asked = plan.validation();
                CorpusFile file =
                        CorpusFile.whole(
                                storage.rows(task.validation()),
                                validationName(task.validation()),
                                asked == null ? Reading.RECOGNISED : asked);
                validation = read(tokenizer, List.of(file), DataPlan.PLAIN, problems);
            }
            return new Figures(training, validation, facts);
        } catch (ModelFileException e) {
            throw AttemptFailure.baseModel(base.name(), e);
        }
    }

    private void compareTemplates(
            ModelDirectory model, @Nullable String named, DataPlan plan, Method method)
            throws IOException {
        Optional<TemplateDifference> found =
                TemplateDifference.of(
                        model,
                        new TemplateDifference.Wish(named, plan.chat()),
                        storage.rows(task.training()),
                        plan.reading(0),
                        method);
        found.map(TemplateDifference::text)
                .ifPresent(text -> {
                    templates = text;
                    notes.add(text);
                });
    }

    private List<CorpusFile> trainingFiles(DataPlan plan) {
        List<ObjectRef> objects = new ArrayList<>(List.of(task.training()));
        if (task.mixed() != null) {
            objects.addAll(task.mixed().others());
        }
        List<CorpusFile> files = new ArrayList<>();
        for (int i = 0; i < objects.size(); i++) {
            RowSource source = storage.rows(objects.get(i));
            files.add(
                    plan.files().isEmpty()
                            ? CorpusFile.whole(
                                    source, name(objects.get(i), TRAINING), Reading.RECOGNISED)
                            : CorpusFile.of(source, plan.files().get(i)));
        }
        return files;
    }

    /// What its owner calls a file.
    private static String name(ObjectRef object, String otherwise) {
        return object.name() == null ? otherwise : Storage.name(object).toString();
    }

    /// What the file is called, if nobody can take it for one of those that are trained on.
    private String validationName(ObjectRef file) {
        String name = name(file, VALIDATION);
        return surveyed.stream().anyMatch(other -> other.name().equals(name)) ? VALIDATION : name;
    }

    private DatasetStats read(
            DatasetTokenizer tokenizer, List<CorpusFile> files, DataPlan plan, Problems problems)
            throws IOException {
        String param = validates ? VALIDATION : TRAINING;
        long seed = task.mixed() == null ? 0 : task.mixed().seed();
        try (Corpus rows =
                Corpus.watched(
                        tokenizer,
                        files,
                        plan,
                        this,
                        seed,
                        room.folder(param),
                        storage.tokens(task.tenant()))) {
            notes.addAll(rows.notes());
            rows.problems().stream()
                    .map(problem -> validates ? ofValidation(problem) : problem)
                    .forEach(problems::add);
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

    /// A line number alone would be taken for one of the training file.
    private static Problem ofValidation(Problem problem) {
        return new Problem(
                problem.code(),
                problem.param(),
                VALIDATION + ": " + problem.message(),
                problem.suggestion(),
                problem.line());
    }

    /// Without a model there are no tokens to count; rows are counted and their shape is checked.
    private Figures rowsOnly(Problems problems) throws IOException {
        CorpusFile file =
                CorpusFile.whole(
                        storage.rows(task.training()),
                        name(task.training(), TRAINING),
                        Reading.RECOGNISED);
        FileInspection inspection = begin(file);
        RowSummary summary = FileScan.of(file.source(), inspection);
        surveyed.add(new SurveyedFile(file.name(), false, summary, null));
        summary.problems().forEach(problems::add);
        for (long i = summary.problems().size(); i < summary.problemCount(); i++) {
            problems.add(ProblemCode.INVALID_TRAINING_FILE, "training_file", "a further problem");
        }
        return new Figures(new DatasetStats(summary.rows(), 0, 0, 0, 0, 0, 0, 0), null, null);
    }
}
