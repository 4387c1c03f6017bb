package dev.tunesmith.trainer.attempt;

import dev.tunesmith.contracts.data.FileInspection;
import dev.tunesmith.contracts.data.RowFormat;
import dev.tunesmith.contracts.data.RowSummary;
import dev.tunesmith.contracts.dataset.FileKind;
import dev.tunesmith.contracts.dataset.UsualRow;
import dev.tunesmith.contracts.event.ChildReport;
import dev.tunesmith.contracts.event.DataTask;
import dev.tunesmith.contracts.event.ExitCode;
import dev.tunesmith.contracts.event.Manifest;
import dev.tunesmith.contracts.event.ModelSource;
import dev.tunesmith.contracts.event.ObjectRef;
import dev.tunesmith.contracts.job.Overflow;
import dev.tunesmith.contracts.job.Phase;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.mixture.Reading;
import dev.tunesmith.contracts.mixture.TrainedTurns;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.twin.Likeness;
import dev.tunesmith.engine.data.DatasetTokenizer;
import dev.tunesmith.engine.data.DatasetTokenizer.EncodedRow;
import dev.tunesmith.engine.data.DatasetTokenizer.Findings;
import dev.tunesmith.engine.data.Packing;
import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.data.SourceRows;
import dev.tunesmith.engine.data.UnusableRowException;
import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.ModelFileException;
import dev.tunesmith.engine.loop.TrainingRun;
import dev.tunesmith.engine.model.Architecture;
import dev.tunesmith.engine.prepare.PackingFigures;
import dev.tunesmith.engine.prepare.RowPreview;
import dev.tunesmith.engine.prepare.RowShape;
import dev.tunesmith.engine.prepare.RowSplit;
import dev.tunesmith.engine.prepare.RowsWriter;
import dev.tunesmith.engine.prepare.TemplateDifference;
import dev.tunesmith.engine.prepare.TokenFigures;
import dev.tunesmith.engine.rows.FileScan;
import dev.tunesmith.engine.rows.RowFile;
import dev.tunesmith.engine.rows.RowFileException;
import dev.tunesmith.engine.rows.RowReader;
import dev.tunesmith.engine.rows.RowSource;
import dev.tunesmith.engine.text.NamedFormat;
import dev.tunesmith.engine.text.Tokenizer;
import dev.tunesmith.platform.json.FindingLines;
import dev.tunesmith.platform.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// Does one data task: reads the file, writes what comes of it into the object store, and reports.
final class DataWork {

    private static final int PROBLEMS_LISTED = 20;

    /// Longer than any row, so that nothing is cut.
    private static final int WHOLE_ROW = 1 << 24;

    private final DataTask task;
    private final ParentLink parent;
    private final Storage storage;
    private final Path folder;
    private final List<Path> files = new ArrayList<>();

    /// @param folder empty, for the files of the result
    DataWork(DataTask task, ParentLink parent, Storage storage, Path folder) {
        this.task = task;
        this.parent = parent;
        this.storage = storage;
        this.folder = folder;
    }

    /// Does all of it and returns the exit status of the process.
    int run() throws IOException, InterruptedException {
        parent.send(new ChildReport.Entered(Phase.VALIDATING, 0, 0));
        try {
            Map<String, Object> result = result();
            List<Manifest.Entry> stored = new ArrayList<>();
            String prefix = task.prefix() + UUID.randomUUID() + "/";
            for (Path file : files) {
                String name = file.getFileName().toString();
                stored.add(storage.put(prefix + name, name, file));
            }
            parent.send(new ChildReport.Prepared(result, stored));
            return ExitCode.FINISHED;
        } catch (RowFileException | UnusableRowException | IllegalArgumentException e) {
            throw AttemptFailure.trainingData(String.valueOf(e.getMessage()), e);
        } catch (ModelFileException e) {
            throw AttemptFailure.baseModel(base().name(), e);
        }
    }

    private Map<String, Object> result() throws IOException, InterruptedException {
        RowSource file = rows(task.file());
        return switch (task.wish().verb()) {
            case CHECK -> check(file);
            case PREVIEW -> preview(file);
            case TOKENS -> Json.treeOf(tokens(file));
            case CONVERT -> convert(file);
            case SPLIT -> split(file);
            case PACK -> pack(file);
        };
    }

    private ModelSource base() {
        return Objects.requireNonNull(task.base(), "the scheduler names a model for this verb");
    }

    /// The bytes under the name that the user gave them, which may tell their kind.
    private RowSource rows(ObjectRef object) {
        String ending = task.name().replaceFirst("^.*?((\\.[A-Za-z]{1,8}){0,2})$", "$1");
        return storage.rows(object, ending.toLowerCase(Locale.ROOT));
    }

    private Path made(String name) {
        Path file = folder.resolve(name);
        files.add(file);
        return file;
    }

    private Map<String, Object> check(RowSource file) throws IOException, InterruptedException {
        Map<String, Object> result = new LinkedHashMap<>();
        try (FindingLines report = FindingLines.of(made(FindingLines.NAME))) {
            FileInspection training =
                    FileInspection.comparing(FileInspection.ROWS_COMPARED, report.of("training"));
            RowSummary summary = FileScan.of(file, training);
            result.put("training", Json.treeOf(summary));
            ObjectRef second = task.validation();
            if (second != null) {
                result.put(
                        "validation",
                        Json.treeOf(
                                FileScan.of(
                                        rows(second),
                                        training.validation(
                                                FileInspection.ROWS_COMPARED,
                                                report.of("validation")))));
            }
        }
        if (task.base() != null) {
            result.put("tokens", Json.treeOf(tokens(file)));
        }
        return result;
    }

    private Map<String, Object> preview(RowSource file) throws IOException, InterruptedException {
        Long wanted = task.wish().row();
        long number = wanted == null ? 1 : wanted;
        Path path = folder.resolveSibling("row.jsonl");
        Files.writeString(path, JsonTree.text(row(file, number)) + "\n");
        RowSource one = RowSource.of(path);
        ModelDirectory model = model();
        List<Sample> samples = new ArrayList<>();
        Findings found =
                tokenise(model, one, context(model), given -> samples.addAll(given.documents()));
        Problem problem = found.problems().isEmpty() ? null : found.problems().getFirst();
        if (problem != null) {
            String field = problem.param() == null ? "" : problem.param() + ": ";
            throw new UnusableRowException(
                    "", "row %d: %s%s".formatted(number, field, problem.message()));
        }
        if (samples.isEmpty()) {
            throw new UnusableRowException(
                    "",
                    "row %d: a job leaves it out, because %d tokens have no room for its answer"
                            .formatted(number, context(model)));
        }
        List<Map<String, Object>> documents = new ArrayList<>();
        try (Tokenizer tokenizer = Tokenizer.open(model.tokenizer().orElseThrow())) {
            for (Sample sample : samples) {
                documents.add(Json.treeOf(RowPreview.of(sample, tokenizer)));
            }
        }
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("row", number);
        result.put("documents", documents);
        result.put("length", found.stats().longest());
        Optional<TemplateDifference> templates =
                TemplateDifference.of(
                        model, task.wish().template(), file, Reading.RECOGNISED, method(one));
        templates.ifPresent(other -> {
            result.put("templates", Json.treeOf(other));
            result.put("templates_text", other.text());
        });
        return result;
    }

    private static Map<String, @Nullable Object> row(RowSource file, long number)
            throws IOException {
        try (RowReader reader = RowFile.open(file)) {
            Optional<Map<String, @Nullable Object>> row = reader.next();
            for (long n = 1; n < number && row.isPresent(); n++) {
                row = reader.next();
            }
            return row.orElseThrow(
                    () -> new UnusableRowException("", "the file has no row %d".formatted(number)));
        }
    }

    private ModelDirectory model() throws IOException, InterruptedException {
        return ModelDirectory.open(storage.model(base()));
    }

    private int context(ModelDirectory model) {
        Integer wanted = task.wish().maxSeqLen();
        return wanted == null ? TrainingRun.facts(model).contextLength() : wanted;
    }

    private Findings tokenise(
            ModelDirectory model, RowSource file, int lengthMax, DatasetTokenizer.Sink sink)
            throws IOException {
        var options =
                new DatasetTokenizer.Options(
                        method(file),
                        lengthMax,
                        Overflow.TRUNCATE,
                        TrainedTurns.ANSWERS,
                        PROBLEMS_LISTED);
        Optional<String> template = NamedFormat.source(model, task.wish().template());
        try (DatasetTokenizer tokenizer =
                DatasetTokenizer.of(model, options, template, Architecture.sight(model.config()))) {
            return tokenizer.read(SourceRows.of(file), sink);
        }
    }

    /// The method that was named, or the usual one for rows like the first.
    private Method method(RowSource file) throws IOException {
        String named = task.wish().method();
        if (named != null) {
            return Method.of(named);
        }
        Map<String, Object> first = new LinkedHashMap<>();
        row(file, 1)
                .forEach((key, value) -> {
                    if (value != null) {
                        first.put(key, value);
                    }
                });
        RowFormat format =
                RowFormat.of(UsualRow.of(first).row())
                        .orElseThrow(() ->
                                new UnusableRowException("", "the shape of row 1 is not known"));
        return switch (format) {
            case PREFERENCE -> Method.DPO;
            case JUDGED -> Method.KTO;
            case CHAT, COMPLETION -> Method.SUPERVISED;
            case TEXT -> Method.PRETRAIN;
        };
    }

    private TokenFigures tokens(RowSource file) throws IOException, InterruptedException {
        ModelDirectory model = model();
        Lengths lengths = new Lengths();
        Findings found = tokenise(model, file, WHOLE_ROW, lengths::add);
        return TokenFigures.of(lengths.all(), found.stats().trainedTokens(), context(model));
    }

    /// How long documents are: their tokens may be more than fit into memory.
    private static final class Lengths {
        private int[] lengths = new int[1024];
        private int size;

        void add(EncodedRow row) {
            for (Sample document : row.documents()) {
                lengths = size < lengths.length ? lengths : Arrays.copyOf(lengths, 2 * size);
                lengths[size++] = document.length();
            }
        }

        int[] all() {
            return Arrays.copyOf(lengths, size);
        }
    }

    private Map<String, Object> pack(RowSource file) throws IOException, InterruptedException {
        ModelDirectory model = model();
        Packing packing =
                method(file) == Method.PRETRAIN ? Packing.BEST_FIT_SPLIT : Packing.BEST_FIT;
        Lengths lengths = new Lengths();
        Findings _ = tokenise(model, file, WHOLE_ROW, lengths::add);
        return Json.treeOf(PackingFigures.of(lengths.all(), context(model), packing));
    }

    private Map<String, Object> split(RowSource file) throws IOException {
        DataTask.Wish wish = task.wish();
        String likeness = wish.likeness();
        Long seed = wish.seed();
        return Json.treeOf(
                RowSplit.write(
                        file,
                        likeness == null ? Likeness.NORMALISED : Likeness.of(likeness),
                        Objects.requireNonNull(wish.validation(), "the API asks for it"),
                        seed == null ? 0 : seed,
                        made("training.jsonl"),
                        made("validation.jsonl")));
    }

    private Map<String, Object> convert(RowSource file) throws IOException {
        String format = Objects.requireNonNullElse(task.wish().format(), "jsonl");
        FileKind kind = FileKind.named("." + format.replaceFirst("\\.(gz|zst)$", "")).orElseThrow();
        String shape = task.wish().shape();
        RowShape target = shape == null ? null : RowShape.valueOf(shape.toUpperCase(Locale.ROOT));
        List<String> problems = new ArrayList<>();
        long skipped = 0;
        try (RowReader reader = RowFile.open(file);
                RowsWriter writer = new RowsWriter(made("rows." + format), kind)) {
            long number = 1;
            Optional<Map<String, @Nullable Object>> row = reader.next();
            while (row.isPresent()) {
                Optional<String> reason = write(row.get(), target, writer);
                if (reason.isPresent()) {
                    skipped++;
                    if (problems.size() < PROBLEMS_LISTED) {
                        problems.add("row %d: %s".formatted(number, reason.get()));
                    }
                }
                number++;
                row = reader.next();
            }
            return Map.of("rows", writer.rows(), "skipped", skipped, "problems", problems);
        }
    }

    private static Optional<String> write(
            Map<String, @Nullable Object> row, @Nullable RowShape shape, RowsWriter writer)
            throws IOException {
        if (shape == null) {
            return writer.write(row);
        }
        Map<String, Object> given = new LinkedHashMap<>();
        row.forEach((key, value) -> {
            if (value != null) {
                given.put(key, value);
            }
        });
        try {
            return writer.write(shape.of(given));
        } catch (UnusableRowException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }
}
