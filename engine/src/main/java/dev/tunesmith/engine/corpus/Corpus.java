package dev.tunesmith.engine.corpus;

import dev.tunesmith.contracts.data.DatasetStats;
import dev.tunesmith.contracts.data.FileInspection;
import dev.tunesmith.contracts.data.RowSummary;
import dev.tunesmith.contracts.dataset.Cell;
import dev.tunesmith.contracts.dataset.Mixing;
import dev.tunesmith.contracts.dataset.UsualRow;
import dev.tunesmith.contracts.inspect.Finding;
import dev.tunesmith.contracts.job.Overflow;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.mixture.DataPlan;
import dev.tunesmith.contracts.mixture.Reading;
import dev.tunesmith.contracts.mixture.RowConversion;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.contracts.twin.Likeness;
import dev.tunesmith.contracts.twin.Twins;
import dev.tunesmith.engine.data.DatasetTokenizer;
import dev.tunesmith.engine.data.DatasetTokenizer.EncodedRow;
import dev.tunesmith.engine.data.DatasetTokenizer.Findings;
import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.data.SourceRows;
import dev.tunesmith.engine.data.TokenShard;
import dev.tunesmith.engine.rows.RowReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/// Files of rows as one set of tokens.
///
/// Files are read one after the other and row by row, from wherever they are; memory holds some
/// bytes a row, whatever the rows say. Which rows of the shards count, and in which order, is
/// decided afterwards.
public final class Corpus implements AutoCloseable {

    private static final long FILE_GAMMA = 0x9E3779B97F4A7C15L;

    private final List<TokenShard> shards = new ArrayList<>();
    private @Nullable ItemFile items;
    private final List<Problem> problems = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();
    private final DatasetTokenizer tokenizer;
    private final DataPlan plan;
    private final @Nullable Twins nearTwins;
    private final @Nullable RowWatch watch;
    private long problemCount;
    private RowChoice rows;
    private DatasetStats stats = DatasetStats.EMPTY;

    private Corpus(DatasetTokenizer tokenizer, DataPlan plan, @Nullable RowWatch watch) {
        this.tokenizer = tokenizer;
        this.watch = watch;
        this.plan = plan;
        this.nearTwins = plan.deduplicate() == Likeness.NEAR ? new Twins(Likeness.NEAR) : null;
        this.rows = new RowChoice(List.of(), documentsPerRow(), new long[0]);
    }

    /// Reads files.
    ///
    /// @param plan how their rows mix; a validation file has a plan of its own
    /// @param seed of all lots
    /// @param room existing folder for the tokens, which must outlive the corpus
    public static Corpus read(
            DatasetTokenizer tokenizer,
            List<CorpusFile> files,
            DataPlan plan,
            long seed,
            Path room,
            ShardStore store)
            throws IOException {
        return read(new Corpus(tokenizer, plan, null), files, seed, room, store);
    }

    /// The same, watched.
    public static Corpus watched(
            DatasetTokenizer tokenizer,
            List<CorpusFile> files,
            DataPlan plan,
            RowWatch watch,
            long seed,
            Path room,
            ShardStore store)
            throws IOException {
        return read(new Corpus(tokenizer, plan, watch), files, seed, room, store);
    }

    private static Corpus read(
            Corpus corpus, List<CorpusFile> files, long seed, Path room, ShardStore store)
            throws IOException {
        try {
            ItemFile items = corpus.prompts() ? new ItemFile(room.resolve("items")) : null;
            corpus.items = items;
            for (CorpusFile file : files) {
                corpus.add(file, room, store);
            }
            if (items != null) {
                items.finish();
            }
            corpus.choose(files, seed);
            return corpus;
        } catch (IOException | RuntimeException e) {
            corpus.close();
            throw e;
        }
    }

    private int documentsPerRow() {
        return tokenizer.options().method().documentsPerRow();
    }

    private boolean prompts() {
        return tokenizer.options().method().rowKind() == Method.RowKind.PROMPT;
    }

    private boolean documents() {
        return tokenizer.options().method().rowKind() == Method.RowKind.DOCUMENT;
    }

    private void add(CorpusFile file, Path room, ShardStore store) throws IOException {
        Recognition found = Recognition.of(file.source(), file.reading(), documents());
        notes.add(found.sentence(file.name()));
        Optional<String> refusal = found.refusal(file.reading());
        if (refusal.isPresent()) {
            problem(
                    new Problem(
                            ProblemCode.INVALID_TRAINING_FILE,
                            null,
                            file.name() + ": " + refusal.get(),
                            null,
                            null));
            return;
        }
        Reading reading = found.reading(file.reading());
        Path target = room.resolve("tokens-" + shards.size());
        ShardKey key =
                ShardKey.of(file.source(), found.kind(), reading, tokenizer, plan.orderColumn());
        // Graders read the rows themselves, and nearness is measured on them; pictures depend on
        // more than the key says.
        boolean shared = nearTwins == null && !tokenizer.sees() && !prompts();
        Optional<Path> kept = shared ? key.find(store) : Optional.empty();
        if (kept.isPresent()) {
            shards.add(TokenShard.open(kept.get()));
            lookAgain(file, reading, shards.getLast());
            notes.add(
                    "%s was tokenised before with the same vocabulary and template; its tokens are"
                                    .formatted(file.name())
                            + " taken from the store");
            return;
        }
        Findings findings = tokenise(file, reading, target);
        shards.add(TokenShard.open(target));
        // Of rows that were left out for their length a shard knows nothing.
        boolean whole =
                findings.stats().cutRows() == 0 || tokenizer.options().overflow() != Overflow.DROP;
        if (shared && whole && findings.problemCount() == 0) {
            key.keep(store, target, findings.stats());
        }
    }

    private Findings tokenise(CorpusFile file, Reading reading, Path target) throws IOException {
        Findings findings;
        FileInspection inspection = watch == null ? FileInspection.ofRules() : watch.begin(file);
        try (TokenShard.Writer writer = new TokenShard.Writer(target)) {
            findings = tokenizer.read(rowsOf(file, reading), inspection, row -> take(row, writer));
            writer.finish(ShardKey.metadata(findings.stats()));
        }
        if (watch != null) {
            watch.end(
                    file,
                    summary(findings.summary(), findings.problemCount(), inspection),
                    findings.stats());
        }
        findings.problems().forEach(problem -> problem(named(file, problem)));
        problemCount += Math.max(0, findings.problemCount() - findings.problems().size());
        return findings;
    }

    private SourceRows rowsOf(CorpusFile file, Reading reading) throws IOException {
        return SourceRows.of(file.source(), new RowConversion(reading, documents()));
    }

    /// Problems of every kind count as problems.
    private static RowSummary summary(
            RowSummary checked, long problems, FileInspection inspection) {
        return new RowSummary(
                checked.format(),
                checked.rows(),
                checked.duplicates(),
                checked.longestBytes(),
                problems,
                List.of(),
                inspection.figures());
    }

    /// Inspects the rows of a file whose tokens are known already.
    private void lookAgain(CorpusFile file, Reading reading, TokenShard shard) throws IOException {
        if (watch == null) {
            return;
        }
        FileInspection inspection = watch.begin(file);
        RowSummary checked = rowsOf(file, reading).inspect(inspection);
        int most = tokenizer.options().lengthMax();
        for (int row = 0; row < shard.rows() && !documents(); row++) {
            if (shard.fullLength(row) > most) {
                inspection.found(
                        Finding.tooLong(
                                shard.line(row * documentsPerRow()), shard.fullLength(row), most));
            }
        }
        watch.end(
                file, summary(checked, checked.problemCount(), inspection), ShardKey.stats(shard));
    }

    private void take(EncodedRow row, TokenShard.Writer writer) throws IOException {
        float key = key(row);
        if (row.documents().isEmpty()) {
            return;
        }
        List<Sample> documents = row.documents();
        ItemFile kept = items;
        if (kept != null) {
            int place = kept.size();
            if (!kept.write(item(row.tree()))) {
                problem(
                        Problem.ofLine(
                                row.line(),
                                null,
                                "a row that graders read has at most %d bytes"
                                        .formatted(ItemFile.ROW_BYTES_MAX)));
            }
            documents = documents.stream().map(one -> one.withValue(place)).toList();
        }
        if (nearTwins != null) {
            int _ = nearTwins.add(row.tree());
        }
        writer.add(documents, new TokenShard.Row(row.line(), row.fullLength(), key, row.print()));
    }

    /// A prompt with every other column of its row, but for pictures, which no grader reads.
    private static Map<String, Object> item(Map<String, Object> row) {
        Map<String, Object> item = new LinkedHashMap<>(RowReader.known(row));
        item.putAll(UsualRow.of(row).row());
        item.keySet().removeAll(List.of("images", "videos", "audios"));
        return item;
    }

    private float key(EncodedRow row) {
        String column = plan.orderColumn();
        if (column == null) {
            return 0;
        }
        float key = Cell.number(row.tree().get(column)).map(Double::floatValue).orElse(Float.NaN);
        if (Float.isFinite(key)) {
            return key;
        }
        problem(
                Problem.ofLine(
                        row.line(), column, "expected a number, by which the rows are ordered"));
        return 0;
    }

    private Problem named(CorpusFile file, Problem problem) {
        return plan.files().size() < 2
                ? problem
                : new Problem(
                        problem.code(),
                        problem.param(),
                        file.name() + ": " + problem.message(),
                        problem.suggestion(),
                        problem.line());
    }

    private void problem(Problem problem) {
        problemCount++;
        if (problems.size() < tokenizer.options().problemsListed()) {
            problems.add(problem);
        }
    }

    // ---- which rows count

    private void choose(List<CorpusFile> files, long seed) {
        if (problemCount > 0) {
            stats = shards.isEmpty() ? stats : ShardKey.stats(shards.getFirst());
            return;
        }
        List<int[]> chosen = new ArrayList<>();
        boolean whole = files.size() == 1 && plan.deduplicate() == null;
        int[] repeats = repeats();
        int first = 0;
        for (int i = 0; i < files.size(); i++) {
            int[] kept = kept(shards.get(i).rows(), first, repeats);
            first += shards.get(i).rows();
            whole &= files.get(i).numSamples() == null && files.get(i).maxSamples() == null;
            chosen.add(drawn(kept, files.get(i), new SplittableRandom(seed + i * FILE_GAMMA)));
        }
        long[] places = mixed(chosen, seed);
        for (int i = 0; i < places.length; i++) {
            int dataset = Mixing.dataset(places[i]);
            places[i] = RowChoice.place(dataset, chosen.get(dataset)[Mixing.row(places[i])]);
        }
        rows = new RowChoice(shards, documentsPerRow(), places);
        stats = whole ? ShardKey.stats(shards.getFirst()) : rows.stats();
        if (!whole) {
            notes.add(
                    "%d rows of %d files are trained in an epoch (%s)"
                            .formatted(places.length, files.size(), plan.mixing().wire()));
        }
    }

    /// For each row of all files the first row that says the same; its own place if all count.
    private int[] repeats() {
        Likeness likeness = plan.deduplicate();
        if (likeness == null) {
            return new int[0];
        }
        if (nearTwins != null) {
            return nearTwins.groups();
        }
        Twins twins = new Twins(likeness);
        for (TokenShard shard : shards) {
            for (int row = 0; row < shard.rows(); row++) {
                int _ = twins.add(shard.print(row));
            }
        }
        return twins.groups();
    }

    private int[] kept(int count, int first, int[] repeats) {
        int[] kept = new int[count];
        int size = 0;
        for (int row = 0; row < count; row++) {
            if (repeats.length == 0 || repeats[first + row] == first + row) {
                kept[size++] = row;
            }
        }
        if (size < count) {
            notes.add("%d rows that repeat others are left out".formatted(count - size));
        }
        return Arrays.copyOf(kept, size);
    }

    /// Rows by lot; where more are asked for than there are, the rest is drawn again.
    private static int[] drawn(int[] rows, CorpusFile file, SplittableRandom random) {
        int[] drawn = rows;
        Integer asked = file.numSamples();
        if (asked != null && rows.length > 0) {
            for (int i = rows.length - 1; i > 0; i--) {
                int other = random.nextInt(i + 1);
                int kept = rows[i];
                rows[i] = rows[other];
                rows[other] = kept;
            }
            drawn = Arrays.copyOf(rows, asked);
            for (int i = rows.length; i < asked; i++) {
                drawn[i] = rows[random.nextInt(rows.length)];
            }
        }
        Integer most = file.maxSamples();
        return most == null || most >= drawn.length ? drawn : Arrays.copyOf(drawn, most);
    }

    private long[] mixed(List<int[]> chosen, long seed) {
        int[] sizes = chosen.stream().mapToInt(rows -> rows.length).toArray();
        double[] shares = plan.shares();
        if (shares.length == 0) {
            return plan.mixing().order(sizes);
        }
        SplittableRandom random = new SplittableRandom(seed);
        return plan.mixing()
                .order(
                        sizes,
                        () -> {
                            double left = random.nextDouble();
                            int file = 0;
                            while (file < shares.length - 1 && left >= shares[file]) {
                                left -= shares[file++];
                            }
                            return file;
                        });
    }

    // ---- what was found

    /// The rows that count, mixed.
    public RowChoice rows() {
        return rows;
    }

    /// The rows themselves where graders read them; the value of a document is its place.
    public List<Map<String, Object>> items() {
        ItemFile kept = items;
        return kept == null ? List.of() : kept;
    }

    /// Figures of the rows that count.
    public DatasetStats stats() {
        return stats;
    }

    /// The first problems.
    public List<Problem> problems() {
        return problems;
    }

    /// All problems.
    public long problemCount() {
        return problemCount;
    }

    /// What the owner of the files should know, a sentence each.
    public List<String> notes() {
        return notes;
    }

    @Override
    public void close() {
        shards.forEach(TokenShard::close);
        ItemFile kept = items;
        if (kept != null) {
            kept.close();
        }
    }
}
