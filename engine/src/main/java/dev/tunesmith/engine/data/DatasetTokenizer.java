package dev.tunesmith.engine.data;

import dev.tunesmith.contracts.data.DatasetStats;
import dev.tunesmith.contracts.data.FileInspection;
import dev.tunesmith.contracts.data.RowSummary;
import dev.tunesmith.contracts.data.RowWork;
import dev.tunesmith.contracts.dataset.UsualRow;
import dev.tunesmith.contracts.id.Sha256;
import dev.tunesmith.contracts.inspect.Finding;
import dev.tunesmith.contracts.job.Overflow;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.mixture.TrainedTurns;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.problem.Problems;
import dev.tunesmith.contracts.template.ChatOptions;
import dev.tunesmith.contracts.twin.Likeness;
import dev.tunesmith.contracts.twin.RowPrint;
import dev.tunesmith.contracts.twin.Twins;
import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.ModelFileException;
import dev.tunesmith.engine.rows.FileScan;
import dev.tunesmith.engine.rows.RowSource;
import dev.tunesmith.engine.text.Tokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// Turns a training file into samples and reports what it found: figures, and every row that cannot
/// be used.
public final class DatasetTokenizer implements AutoCloseable {

    /// Bytes of a file of lines that one thread tokenises at a time.
    private static final int PIECE_BYTES = 256 << 10;

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
    /// @param chat how conversations are written
    public record Options(
            Method method,
            int lengthMax,
            Overflow overflow,
            TrainedTurns trained,
            int problemsListed,
            ChatOptions chat) {

        /// Conversations are written as the template does by itself.
        public Options(
                Method method,
                int lengthMax,
                Overflow overflow,
                TrainedTurns trained,
                int problemsListed) {
            this(method, lengthMax, overflow, trained, problemsListed, ChatOptions.NONE);
        }
    }

    /// A row as tokens.
    ///
    /// @param documents the documents that it became; none if it was left out
    /// @param fullLength tokens of the whole row, or of the longest of several answers
    /// @param tree the row as it is meant
    /// @param print of what it says
    public record EncodedRow(
            long line,
            List<Sample> documents,
            int fullLength,
            Map<String, Object> tree,
            RowPrint print) {

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

    /// The same with the source of a template, which counts before the model's own.
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
            ChatEncoder chats =
                    new ChatEncoder(
                            tokenizer,
                            TemplateFormat.of(model, TemplateFormat.TRAINING_TIME, template),
                            sight);
            TextEncoder texts =
                    TextEncoder.of(model, tokenizer)
                            .orElseThrow(() ->
                                    new ModelFileException(
                                            model.path(), "the tokenizer has no end token"));
            return new DatasetTokenizer(
                    tokenizer,
                    chats.with(options.chat()),
                    options.chat().parsesSpecial() ? texts.parsing() : texts,
                    options,
                    new Identity(
                            identity(model, file, template, options.chat()),
                            !sight.equals(ChatEncoder.Sight.NONE)));
        } catch (RuntimeException e) {
            tokenizer.close();
            throw e;
        }
    }

    private static String identity(
            ModelDirectory model, Path vocabulary, Optional<String> named, ChatOptions chat) {
        try {
            MessageDigest digest = Sha256.digest();
            digest.update(Files.readAllBytes(vocabulary));
            String template = named.or(model::chatTemplate).orElse("chatml");
            digest.update(template.getBytes(StandardCharsets.UTF_8));
            for (String role : List.of("bos_token", "eos_token", "unk_token", "pad_token")) {
                String token = role + "=" + model.specialToken(role).orElse("") + "\n";
                digest.update(token.getBytes(StandardCharsets.UTF_8));
            }
            Map<String, Object> variables = new TreeMap<>(model.chatVariables());
            variables.putAll(chat.variables());
            if (!variables.isEmpty() || chat.parsesSpecial()) {
                String options = JsonTree.text(variables) + chat.parsesSpecial();
                digest.update(options.getBytes(StandardCharsets.UTF_8));
            }
            return Sha256.of(digest);
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + vocabulary, e);
        }
    }

    /// Reads a file of rows of any kind into memory: every row is checked, those in order are
    /// tokenised. Blank lines are ignored.
    public Tokenized read(Path file) throws IOException {
        List<Sample> samples = new ArrayList<>();
        List<Map<String, Object>> items = new ArrayList<>();
        Sink sink =
                row -> {
                    if (options.method().rowKind() == Method.RowKind.PROMPT) {
                        items.add(UsualRow.of(row.tree()).row());
                        row.documents().stream()
                                .map(one -> one.withValue(items.size() - 1))
                                .forEach(samples::add);
                    } else {
                        samples.addAll(row.documents());
                    }
                };
        Findings found = read(SourceRows.of(RowSource.of(file)), sink);
        return new Tokenized(samples, items, found.stats(), found.problems(), found.problemCount());
    }

    /// The same row by row: one thread reads pieces of the file, others check and tokenise them,
    /// and the sink gets the rows in the order of the file. Memory holds some pieces, however long
    /// the file is.
    public Findings read(SourceRows rows, Sink sink) throws IOException {
        return read(rows, FileInspection.ofRules(), sink);
    }

    /// The same with an inspection of the rows, which also hears of what only the model finds wrong
    /// with them, and of those that are too long for it.
    public Findings read(SourceRows rows, FileInspection inspection, Sink sink) throws IOException {
        Report report = new Report(options, inspection, sink);
        // Pictures are large; one thread is enough to keep the device waiting for nothing.
        int threads = sees() ? 1 : FileScan.Plan.threadsMost();
        RowSummary checked =
                FileScan.of(
                        rows.source(),
                        new FileScan.Plan(
                                rows.kind(),
                                rows.chunk(),
                                inspection.begin(new Part(rows, report)),
                                threads,
                                PIECE_BYTES),
                        inspection);
        return report.finished(checked);
    }

    /// Tokenises the rows of a part of a file.
    private final class Part implements RowWork {
        private final SourceRows rows;
        private final Report report;
        private final List<Encoded> encoded = new ArrayList<>();
        private final List<Problem> problems = new ArrayList<>();

        Part(SourceRows rows, Report report) {
            this.rows = rows;
            this.report = report;
        }

        @Override
        public RowWork following() {
            return new Part(rows, report);
        }

        @Override
        public UsualRow meant(Map<String, Object> given) {
            return rows.meant(given);
        }

        @Override
        public void row(
                long number, RowPrint print, Map<String, Object> row, Map<String, Object> usual) {
            try {
                Encoded fitted = Encoded.of(number, fitted(usual), row, print);
                if (fitted.fullLength() > options.lengthMax()
                        && options.method().rowKind() != Method.RowKind.DOCUMENT
                        && options.overflow() == Overflow.ERROR) {
                    problems.add(
                            Problem.ofLine(
                                    number,
                                    null,
                                    "the row has %d tokens, more than the %d allowed"
                                            .formatted(fitted.fullLength(), options.lengthMax())));
                } else {
                    encoded.add(fitted);
                }
            } catch (UnusableRowException e) {
                problems.add(e.problem(number));
            }
        }

        @Override
        public void settle() throws IOException {
            problems.forEach(report::problem);
            for (Encoded row : encoded) {
                report.add(row);
            }
        }
    }

    /// A row with everything that need not wait for its turn.
    ///
    /// @param tokens a fingerprint of its tokens
    private record Encoded(
            long line, List<Fitted> fitted, Map<String, Object> tree, long tokens, RowPrint print) {

        static Encoded of(
                long line, List<Fitted> fitted, Map<String, Object> tree, RowPrint print) {
            long tokens = 0;
            for (Fitted one : fitted) {
                tokens = 31 * tokens + one.sample().fingerprint();
            }
            return new Encoded(line, fitted, tree, tokens, print);
        }

        int fullLength() {
            return fitted.stream().mapToInt(Fitted::fullLength).max().orElse(0);
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
        private final Twins seen = new Twins(Likeness.EXACT);
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
        void add(Encoded row) throws IOException {
            if (rows == lengths.length) {
                lengths = Arrays.copyOf(lengths, 2 * rows);
            }
            int length = row.fullLength();
            lengths[rows++] = length;
            if (row.fitted.stream().anyMatch(Fitted::cut)) {
                cut(row);
            }
            boolean left = false;
            List<Sample> documents = new ArrayList<>(row.fitted.size());
            for (Fitted fitted : row.fitted) {
                Sample sample = fitted.sample();
                left |= sample.length() == 0;
                tokens += sample.length();
                trainedTokens += sample.trainedTokens();
                documents.add(sample);
            }
            if (!left) {
                int place = seen.rows();
                duplicateRows += seen.add(new RowPrint(row.tokens, row.tokens)) < place ? 1 : 0;
            }
            sink.take(
                    new EncodedRow(
                            row.line, left ? List.of() : documents, length, row.tree, row.print));
        }

        private void cut(Encoded row) {
            cutRows++;
            for (Fitted fitted : row.fitted) {
                cutTokens += Math.max(0, fitted.fullLength() - fitted.sample().length());
            }
            inspection.found(Finding.tooLong(row.line, row.fullLength(), options.lengthMax()));
        }

        Findings finished(RowSummary checked) {
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
                    checked.problemCount() + problems.count(),
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
