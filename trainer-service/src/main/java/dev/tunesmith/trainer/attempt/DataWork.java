package dev.tunesmith.trainer.attempt;

import dev.tunesmith.contracts.data.FileInspection;
import dev.tunesmith.contracts.data.RowFormat;
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
import dev.tunesmith.contracts.mixture.RowConversion;
import dev.tunesmith.contracts.mixture.TrainedTurns;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.twin.Likeness;
import dev.tunesmith.engine.corpus.Recognition;
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
        RowSource file = storage.rows(task.file());
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

    private Path made(String name) {
        Path file = folder.resolve(name);
        files.add(file);
        return file;
    }

    private Map<String, Object> check(RowSource file) throws IOException, InterruptedException {
        Map<String, Object> result = new LinkedHashMap<>();
        Map<String, Object> recognised = new LinkedHashMap<>();
        recognised.put("training", recognised(file));
        try (FindingLines report = FindingLines.of(made(FindingLines.NAME))) {
            FileInspection training =
                    FileInspection.comparing(FileInspection.ROWS_COMPARED, report.of("training"));
            result.put("training", Json.treeOf(meant(file).inspect(training)));
            ObjectRef second = task.validation();
            if (second != null) {
                RowSource held = storage.rows(second);
                FileInspection validation =
                        training.validation(FileInspection.ROWS_COMPARED, report.of("validation"));
                recognised.put("validation", recognised(held));
                result.put("validation", Json.treeOf(meant(held).inspect(validation)));
            }
        }
        result.put("recognised", recognised);
        if (task.base() != null) {
            result.put("tokens", Json.treeOf(tokens(file)));
        }
        return result;
    }

    /// What a file is taken for, in words.
    private String recognised(RowSource file) throws IOException {
        return Recognition.of(file, task.wish().read(), documents())
                .reason(file.name().toString(), task.wish().read());
    }

    private boolean documents() {
        return Method.PRETRAIN.wire().equals(task.wish().method());
    }

    /// The rows of a file, as they are asked to be read.
    private SourceRows meant(RowSource file) throws IOException {
        Reading asked = task.wish().read();
        Reading reading = Recognition.of(file, asked, documents()).reading(asked);
        return SourceRows.of(file, new RowConversion(reading, documents()));
    }

    private Map<String, Object> preview(RowSource file) throws IOException, InterruptedException {
        Long wanted = task.wish().row();
        long number = wanted == null ? 1 : wanted;
        Path path = folder.resolveSibling("row.jsonl");
        Files.writeString(path, JsonTree.text(row(file, number)) + "\n");
        RowConversion conversion = meant(file).conversion();
        SourceRows one = new SourceRows(RowSource.of(path), FileKind.JSON_LINES, conversion);
        ModelDirectory model = model();
        List<Sample> samples = new ArrayList<>();
        Method method = method(one);
        Findings found =
                tokenise(
                        model,
                        one,
                        method,
                        context(model),
                        given -> samples.addAll(given.documents()));
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
                        model,
                        new TemplateDifference.Wish(task.wish().template(), task.wish().chat()),
                        file,
                        conversion.reading(),
                        method);
        templates.ifPresent(other -> {
            result.put("templates", Json.treeOf(other));
            result.put("templates_text", other.text());
        });
        return result;
    }

    private Map<String, @Nullable Object> row(RowSource file, long number) throws IOException {
        try (RowReader reader = RowFile.open(file, task.wish().read())) {
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
            ModelDirectory model,
            SourceRows rows,
            Method method,
            int lengthMax,
            DatasetTokenizer.Sink sink)
            throws IOException {
        var options =
                new DatasetTokenizer.Options(
                        method,
                        lengthMax,
                        Overflow.TRUNCATE,
                        TrainedTurns.ANSWERS,
                        PROBLEMS_LISTED,
                        task.wish().chat());
        Optional<String> template = NamedFormat.source(model, task.wish().template());
        try (DatasetTokenizer tokenizer =
                DatasetTokenizer.of(model, options, template, Architecture.sight(model.config()))) {
            return tokenizer.read(rows, sink);
        }
    }

    /// The method that was named, or the usual one for rows like the first.
    private Method method(SourceRows rows) throws IOException {
        String named = task.wish().method();
        if (named != null) {
            return Method.of(named);
        }
        Map<String, Object> first;
        try (RowReader reader = RowFile.open(rows.source(), rows.kind(), rows.chunk())) {
            first =
                    RowReader.known(
                            reader.next()
                                    .orElseThrow(() ->
                                            new UnusableRowException("", "the file has no rows")));
        }
        RowFormat format =
                RowFormat.of(rows.conversion().of(first).row())
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
        SourceRows rows = meant(file);
        Findings found = tokenise(model, rows, method(rows), WHOLE_ROW, lengths::add);
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
        SourceRows rows = meant(file);
        Method method = method(rows);
        Packing packing = method == Method.PRETRAIN ? Packing.BEST_FIT_SPLIT : Packing.BEST_FIT;
        Lengths lengths = new Lengths();
        Findings _ = tokenise(model, rows, method, WHOLE_ROW, lengths::add);
        return Json.treeOf(PackingFigures.of(lengths.all(), context(model), packing));
    }

    private Map<String, Object> split(RowSource file) throws IOException {
        DataTask.Wish wish = task.wish();
        String likeness = wish.likeness();
        Long seed = wish.seed();
        return Json.treeOf(
                RowSplit.write(
                        file,
                        wish.read(),
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
        // Without a shape rows stay as they are, unless somebody says what their columns mean.
        RowConversion conversion =
                shape == null
                        ? new RowConversion(task.wish().read(), documents())
                        : meant(file).conversion();
        Path left = folder.resolve(SkippedRows.NAME);
        try (RowReader reader = RowFile.open(file, task.wish().read());
                RowsWriter writer = new RowsWriter(made("rows." + format), kind);
                SkippedRows skipped = new SkippedRows(left, PROBLEMS_LISTED)) {
            long number = 1;
            Optional<Map<String, @Nullable Object>> row = reader.next();
            while (row.isPresent()) {
                Optional<String> reason = write(row.get(), conversion, target, writer);
                if (reason.isPresent()) {
                    skipped.add(number, reason.get());
                }
                number++;
                row = reader.next();
            }
            if (skipped.count() > 0) {
                files.add(left);
            }
            return Map.of(
                    "rows",
                    writer.rows(),
                    "skipped",
                    skipped.count(),
                    "problems",
                    skipped.listed());
        }
    }

    private static Optional<String> write(
            Map<String, @Nullable Object> row,
            RowConversion conversion,
            @Nullable RowShape shape,
            RowsWriter writer)
            throws IOException {
        if (shape == null && conversion.changesNothing()) {
            return writer.write(row);
        }
        UsualRow usual = conversion.of(RowReader.known(row));
        if (usual.problem().isPresent()) {
            return usual.problem();
        }
        try {
            return writer.write(shape == null ? usual.row() : shape.of(usual.row()));
        } catch (UnusableRowException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }
}
