package dev.tunesmith.engine.data;

import dev.tunesmith.contracts.data.DatasetStats;
import dev.tunesmith.contracts.data.FileInspection;
import dev.tunesmith.contracts.data.RowFormat;
import dev.tunesmith.contracts.data.RowRules;
import dev.tunesmith.contracts.data.RowSummary;
import dev.tunesmith.contracts.dataset.UsualRow;
import dev.tunesmith.contracts.inspect.Finding;
import dev.tunesmith.contracts.job.Overflow;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.mixture.TrainedTurns;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.problem.Problems;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.ModelFileException;
import dev.tunesmith.engine.rows.FileScan;
import dev.tunesmith.engine.text.Tokenizer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Turns a training file into samples and reports what it found: figures, and every row that cannot
/// be used.
public final class DatasetTokenizer implements AutoCloseable {

    private final Tokenizer tokenizer;
    private final TextEncoder texts;
    private final ConversationFitter conversations;
    private final Options options;
    private final Identity identity;

    /// What is done with the rows.
    ///
    /// @param lengthMax greatest length of a row in tokens
    /// @param overflow what becomes of a longer one; documents for pre-training are never cut,
    ///   because packing splits them
    /// @param trained what of a conversation is trained
    /// @param problemsListed how many problems are listed; all are counted
    public record Options(
            Method method,
            int lengthMax,
            Overflow overflow,
            TrainedTurns trained,
            int problemsListed) {}

    /// A row as tokens.
    ///
    /// @param documents the documents that it became; none if it was left out
    /// @param fullLength tokens of the whole row, or of the longest of several answers
    /// @param tree the row as it stands in the file
    public record EncodedRow(
            long line, List<Sample> documents, int fullLength, Map<String, Object> tree) {

        public EncodedRow {
            documents = List.copyOf(documents);
        }
    }

    /// Takes rows one after the other, so that no file has to fit into memory.
    @FunctionalInterface
    public interface Sink {
        void take(EncodedRow row) throws IOException;
    }

    /// What was found in rows that went elsewhere.
    ///
    /// @param problems the first problems
    /// @param problemCount all problems
    /// @param summary what the check of the rows found beside them
    public record Findings(
            DatasetStats stats, List<Problem> problems, long problemCount, RowSummary summary) {
        public Findings {
            problems = List.copyOf(problems);
        }
    }

    /// What a file holds.
    ///
    /// @param samples the documents that are trained, in the order of the file; those of one row
    ///   lie side by side
    /// @param items the rows themselves where a grader reads them; the value of a sample is its
    ///   place
    /// @param stats figures; lengths are those of whole rows, token counts those of the samples
    /// @param problems the first problems
    /// @param problemCount all problems
    public record Tokenized(
            List<Sample> samples,
            List<Map<String, Object>> items,
            DatasetStats stats,
            List<Problem> problems,
            long problemCount) {

        public Tokenized {
            items = List.copyOf(items);
            samples = List.copyOf(samples);
            problems = List.copyOf(problems);
        }
    }

    private DatasetTokenizer(
            Tokenizer tokenizer,
            ChatEncoder encoder,
            TextEncoder texts,
            Options options,
            Identity identity) {
        this.tokenizer = tokenizer;
        this.texts = texts;
        this.conversations = new ConversationFitter(encoder, options.lengthMax());
        this.options = options;
        this.identity = identity;
    }

    /// A name of vocabulary and template: what has another one gives other tokens.
    public String identity() {
        return identity.name();
    }

    /// Whether rows may have pictures.
    public boolean sees() {
        return identity.sees();
    }

    /// What tokens depend on beside the options.
    private record Identity(String name, boolean sees) {}

    /// What is done with rows.
    public Options options() {
        return options;
    }

    /// Opens the tokenizer and template of a model.
    ///
    /// @throws ModelFileException if the model has none that can be used
    public static DatasetTokenizer of(ModelDirectory model, Options options) {
        return of(model, options, Optional.empty(), ChatEncoder.Sight.NONE);
    }

    /// The same with the source of a template, which counts if the model brings none.
    ///
    /// @param sight what the model sees of pictures
    /// @throws ModelFileException if the model has none that can be used
    public static DatasetTokenizer of(
            ModelDirectory model,
            Options options,
            Optional<String> template,
            ChatEncoder.Sight sight) {
        Path file =
                model.tokenizer()
                        .orElseThrow(() ->
                                new ModelFileException(
                                        model.path(),
                                        ModelDirectory.TOKENIZER
                                                + " is missing, and no other vocabulary is there"));
        Tokenizer tokenizer = Tokenizer.open(file);
        try {
            return new DatasetTokenizer(
                    tokenizer,
                    new ChatEncoder(
                            tokenizer,
                            TemplateFormat.of(model, TemplateFormat.TRAINING_TIME, template),
                            sight),
                    TextEncoder.of(model, tokenizer)
                            .orElseThrow(() ->
                                    new ModelFileException(
                                            model.path(), "the tokenizer has no end token")),
                    options,
                    new Identity(
                            identity(model, file, template),
                            !sight.equals(ChatEncoder.Sight.NONE)));
        } catch (RuntimeException e) {
            tokenizer.close();
            throw e;
        }
    }

    private static String identity(ModelDirectory model, Path vocabulary, Optional<String> named) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(Files.readAllBytes(vocabulary));
            String template = model.chatTemplate().or(() -> named).orElse("chatml");
            digest.update(template.getBytes(StandardCharsets.UTF_8));
            for (String role : List.of("bos_token", "eos_token", "unk_token", "pad_token")) {
                String token = role + "=" + model.specialToken(role).orElse("") + "\n";
                digest.update(token.getBytes(StandardCharsets.UTF_8));
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + vocabulary, e);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    /// Reads a file of rows of any kind into memory: first every row is checked, then those in
    /// order are tokenised. Blank lines are ignored.
    public Tokenized read(Path file) throws IOException {
        List<Sample> samples = new ArrayList<>();
        List<Map<String, Object>> items = new ArrayList<>();
        Findings found;
        try (RowLines lines = RowLines.of(file)) {
            found =
                    read(
                            lines,
                            row -> {
                                if (options.method().rowKind() == Method.RowKind.PROMPT) {
                                    items.add(UsualRow.of(row.tree()).row());
                                    row.documents().stream()
                                            .map(one -> one.withValue(items.size() - 1))
                                            .forEach(samples::add);
                                } else {
                                    samples.addAll(row.documents());
                                }
                            });
        }
        return new Tokenized(samples, items, found.stats(), found.problems(), found.problemCount());
    }

    /// The same row by row, in memory that does not depend on the length of the file.
    public Findings read(RowLines rows, Sink sink) throws IOException {
        return read(rows, new FileInspection(FileInspection.ROWS_COMPARED, _ -> {}), sink);
    }

    /// The same with an inspection of the rows, which also hears of what only the model finds wrong
    /// with them, and of those that are too long for it.
    public Findings read(RowLines rows, FileInspection inspection, Sink sink) throws IOException {
        RowSummary checked = FileScan.of(rows.path(), inspection);
        Report report = new Report(options, inspection, sink);
        rows.problems().forEach(report.problems::add);
        // Wrong bytes were reported by the check; here they must only not end the reading.
        CharsetDecoder lenient =
                StandardCharsets.UTF_8.newDecoder().onMalformedInput(CodingErrorAction.REPLACE);
        try (BufferedReader reader =
                new BufferedReader(
                        new InputStreamReader(Files.newInputStream(rows.path()), lenient))) {
            long number = 0;
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                number++;
                String row = number == 1 && line.startsWith("\uFEFF") ? line.substring(1) : line;
                if (!row.isBlank()) {
                    read(report, number, row);
                }
            }
        }
        return report.finished(checked, Math.max(0, rows.problemCount() - rows.problems().size()));
    }

    private void read(Report report, long number, String line) throws IOException {
        Optional<Checked> row = checked(number, line);
        if (row.isEmpty()) {
            return;
        }
        try {
            List<Fitted> fitted = fitted(row.get().usual());
            int length = fitted.stream().mapToInt(Fitted::fullLength).max().orElse(0);
            if (length > options.lengthMax()
                    && options.method().rowKind() != Method.RowKind.DOCUMENT
                    && options.overflow() == Overflow.ERROR) {
                report.problem(
                        Problem.ofLine(
                                number,
                                null,
                                "the row has %d tokens, more than the %d allowed"
                                        .formatted(length, options.lengthMax())));
            } else {
                report.add(number, fitted, row.get().given());
            }
        } catch (UnusableRowException e) {
            report.problem(e.problem(number));
        }
    }

    /// A row as it stands in the file, and in the usual shape.
    private record Checked(Map<String, Object> given, Map<String, Object> usual) {}

    /// The row, unless the check has already said what is wrong with it.
    private static Optional<Checked> checked(long number, String line) {
        try {
            Map<String, Object> given = JsonLines.parse(line);
            Map<String, Object> tree = UsualRow.of(given).row();
            RowRules rules = new RowRules(number);
            return RowFormat.of(tree)
                    .flatMap(format -> rules.row(format, tree))
                    .map(_ -> new Checked(given, tree));
        } catch (UnusableRowException _) {
            return Optional.empty();
        }
    }

    /// The documents that a row becomes, none of them if the row is dropped.
    private List<Fitted> fitted(Map<String, Object> row) {
        return switch (options.method().rowKind()) {
            case DOCUMENT -> List.of(Fitted.whole(texts.sample(TrainingRow.text(row).text())));
            case CONVERSATION -> List.of(fitted(TrainingRow.chat(row).conversation()));
            case PAIR -> fitted(TrainingRow.pair(row));
            case JUDGED -> fitted(TrainingRow.judged(row));
            case PROMPT -> List.of(dropped(conversations.fitPrompt(TrainingRow.prompt(row))));
        };
    }

    private List<Fitted> fitted(TrainingRow.Pair pair) {
        List<Fitted> both =
                conversations.fit(pair.prompt(), List.of(pair.chosen(), pair.rejected()));
        return both.stream().map(fitted -> dropped(fitted).withValue(pair.margin())).toList();
    }

    private List<Fitted> fitted(TrainingRow.Judged judged) {
        Fitted fitted = conversations.fit(judged.prompt(), List.of(judged.answer())).getFirst();
        return List.of(dropped(fitted).withValue(judged.desirable() ? 1 : 0));
    }

    private Fitted dropped(Fitted fitted) {
        return fitted.cut() && options.overflow() == Overflow.DROP ? fitted.dropped() : fitted;
    }

    private Fitted fitted(Conversation conversation) {
        return switch (options.trained()) {
            case ANSWERS -> dropped(conversations.fit(conversation));
            case LAST_ANSWER -> dropped(conversations.fit(conversation.lastTrained()));
            case ALL -> dropped(conversations.fit(conversation)).allTrained();
        };
    }

    @Override
    public void close() {
        tokenizer.close();
    }

    /// Collects figures and hands rows on.
    private static final class Report {
        private final Options options;
        private final Problems problems;
        private final FileInspection inspection;
        private final Sink sink;
        private final Set<Long> seen = new HashSet<>();
        private int[] lengths = new int[1024];
        private int rows;
        private long tokens;
        private long trainedTokens;
        private long cutRows;
        private long duplicateRows;
        private long cutTokens;

        Report(Options options, FileInspection inspection, Sink sink) {
            this.options = options;
            this.problems = new Problems(options.problemsListed());
            this.inspection = inspection;
            this.sink = sink;
        }

        void problem(Problem problem) {
            problems.add(problem);
            inspection.found(Finding.of(problem));
        }

        /// Adds the documents of one row.
        void add(long line, List<Fitted> row, Map<String, Object> tree) throws IOException {
            if (rows == lengths.length) {
                lengths = Arrays.copyOf(lengths, 2 * rows);
            }
            int length = row.stream().mapToInt(Fitted::fullLength).max().orElse(0);
            lengths[rows++] = length;
            if (row.stream().anyMatch(Fitted::cut)) {
                cut(line, row, length);
            }
            long print = 0;
            boolean left = false;
            List<Sample> documents = new ArrayList<>(row.size());
            for (Fitted fitted : row) {
                Sample sample = fitted.sample();
                left |= sample.length() == 0;
                tokens += sample.length();
                trainedTokens += sample.trainedTokens();
                print = 31 * print + sample.fingerprint();
                documents.add(sample);
            }
            if (!left) {
                duplicateRows += seen.add(print) ? 0 : 1;
            }
            sink.take(new EncodedRow(line, left ? List.of() : documents, length, tree));
        }

        private void cut(long line, List<Fitted> row, int length) {
            cutRows++;
            for (Fitted fitted : row) {
                cutTokens += Math.max(0, fitted.fullLength() - fitted.sample().length());
            }
            inspection.found(Finding.tooLong(line, length, options.lengthMax()));
        }

        Findings finished(RowSummary checked, long unlisted) {
            int[] sorted = Arrays.copyOf(lengths, rows);
            Arrays.sort(sorted);
            DatasetStats stats =
                    new DatasetStats(
                            rows,
                            tokens,
                            trainedTokens,
                            percentile(sorted, 100),
                            percentile(sorted, 50),
                            percentile(sorted, 95),
                            cutRows,
                            duplicateRows,
                            percentile(sorted, 90),
                            percentile(sorted, 99),
                            cutTokens);
            List<Problem> all = new ArrayList<>(checked.problems());
            all.addAll(problems.kept());
            all.sort(Comparator.comparingLong(Report::line));
            return new Findings(
                    stats,
                    all.subList(0, Math.min(options.problemsListed(), all.size())),
                    checked.problemCount() + problems.count() + unlisted,
                    checked);
        }

        private static long line(Problem problem) {
            return problem.line() == null ? 0 : problem.line();
        }

        /// The nearest-rank percentile, 0 for no rows.
        private static int percentile(int[] sorted, int percent) {
            int rank = Math.ceilDiv(sorted.length * percent, 100);
            return sorted.length == 0 ? 0 : sorted[Math.max(rank, 1) - 1];
        }
    }
}
