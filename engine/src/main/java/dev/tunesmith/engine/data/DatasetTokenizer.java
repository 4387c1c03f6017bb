package dev.tunesmith.engine.data;

import dev.tunesmith.contracts.data.DatasetStats;
import dev.tunesmith.contracts.data.RowFormat;
import dev.tunesmith.contracts.data.RowRules;
import dev.tunesmith.contracts.data.RowSummary;
import dev.tunesmith.contracts.dataset.UsualRow;
import dev.tunesmith.contracts.job.Overflow;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.problem.Problems;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.io.ModelFileException;
import dev.tunesmith.engine.text.Tokenizer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/// Turns a training file into samples and reports what it found: figures, and every row that cannot
/// be used.
public final class DatasetTokenizer implements AutoCloseable {

    private static final List<String> END_TOKENS = List.of("<|endoftext|>", "<|end_of_text|>");

    private final Tokenizer tokenizer;
    private final TextEncoder texts;
    private final ConversationFitter conversations;
    private final Options options;

    /// What is done with the rows.
    ///
    /// @param lengthMax greatest length of a row in tokens
    /// @param overflow what becomes of a longer one; documents for pre-training are never cut,
    ///   because packing splits them
    /// @param trained what of a conversation is trained
    /// @param problemsListed how many problems are listed; all are counted
    public record Options(
            Method method, int lengthMax, Overflow overflow, Trained trained, int problemsListed) {}

    /// What of a conversation is trained.
    public enum Trained {
        /// Answers, those with weight 0 left out.
        ANSWERS,
        /// The last of them, with everything before as history.
        LAST_ANSWER,
        /// Every token.
        ALL
    }

    /// What a file holds.
    ///
    /// @param samples the documents that are trained, in the order of the file; those of one row
    ///   lie side by side
    /// @param lines of the file that the samples come from
    /// @param items the rows themselves where a grader reads them; the value of a sample is its
    ///   place
    /// @param stats figures; lengths are those of whole rows, token counts those of the samples
    /// @param problems the first problems
    /// @param problemCount all problems
    public record Tokenized(
            List<Sample> samples,
            List<Long> lines,
            List<Map<String, Object>> items,
            DatasetStats stats,
            List<Problem> problems,
            long problemCount) {

        public Tokenized {
            lines = List.copyOf(lines);
            items = List.copyOf(items);
            samples = List.copyOf(samples);
            problems = List.copyOf(problems);
        }
    }

    private DatasetTokenizer(
            Tokenizer tokenizer, ChatEncoder encoder, int endToken, Options options) {
        this.tokenizer = tokenizer;
        this.texts = new TextEncoder(tokenizer, endToken);
        this.conversations = new ConversationFitter(encoder, options.lengthMax());
        this.options = options;
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
                    endToken(model, tokenizer),
                    options);
        } catch (RuntimeException e) {
            tokenizer.close();
            throw e;
        }
    }

    /// The token behind a document: the one made for it, else the model's end token.
    private static int endToken(ModelDirectory model, Tokenizer tokenizer) {
        for (String token : END_TOKENS) {
            if (tokenizer.id(token).isPresent()) {
                return tokenizer.id(token).getAsInt();
            }
        }
        return model.specialToken("eos_token")
                .map(tokenizer::id)
                .filter(OptionalInt::isPresent)
                .map(OptionalInt::getAsInt)
                .orElseThrow(() ->
                        new ModelFileException(model.path(), "the tokenizer has no end token"));
    }

    /// Reads a file of rows of any kind: first every row is checked, then those in order are
    /// tokenised. Blank lines are ignored.
    public Tokenized read(Path file) throws IOException {
        try (RowLines lines = RowLines.of(file)) {
            return readLines(lines.path());
        }
    }

    private Tokenized readLines(Path file) throws IOException {
        RowSummary checked = TrainingFile.check(file);
        Report report = new Report(options.problemsListed());
        // Wrong bytes were reported by the check; here they must only not end the reading.
        CharsetDecoder lenient =
                StandardCharsets.UTF_8.newDecoder().onMalformedInput(CodingErrorAction.REPLACE);
        try (BufferedReader reader =
                new BufferedReader(new InputStreamReader(Files.newInputStream(file), lenient))) {
            long number = 0;
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                number++;
                String row = number == 1 && line.startsWith("\uFEFF") ? line.substring(1) : line;
                if (!row.isBlank()) {
                    read(report, number, row);
                }
            }
        }
        return report.finished(checked);
    }

    private void read(Report report, long number, String line) {
        Optional<Map<String, Object>> row = checked(number, line);
        if (row.isEmpty()) {
            return;
        }
        try {
            List<Fitted> fitted = fitted(row.get());
            int length = fitted.stream().mapToInt(Fitted::fullLength).max().orElse(0);
            if (length > options.lengthMax()
                    && options.method().rowKind() != Method.RowKind.DOCUMENT
                    && options.overflow() == Overflow.ERROR) {
                report.problems.add(
                        Problem.ofLine(
                                number,
                                null,
                                "the row has %d tokens, more than the %d allowed"
                                        .formatted(length, options.lengthMax())));
            } else {
                report.add(
                        number,
                        options.method().rowKind() == Method.RowKind.PROMPT
                                ? report.numbered(fitted, row.get())
                                : fitted);
            }
        } catch (UnusableRowException e) {
            report.problems.add(e.problem(number));
        }
    }

    /// The row, unless the check has already said what is wrong with it.
    private static Optional<Map<String, Object>> checked(long number, String line) {
        try {
            Map<String, Object> tree = UsualRow.of(JsonLines.parse(line)).row();
            RowRules rules = new RowRules(number);
            return RowFormat.of(tree).flatMap(format -> rules.row(format, tree)).map(_ -> tree);
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

    /// Collects rows and figures.
    private static final class Report {
        private final int problemsListed;
        private final Problems problems;
        private final List<Sample> samples = new ArrayList<>();
        private final List<Long> sampleLines = new ArrayList<>();
        private final List<Map<String, Object>> items = new ArrayList<>();
        private final Set<String> seen = new HashSet<>();
        private int[] lengths = new int[1024];
        private int rows;
        private long tokens;
        private long trainedTokens;
        private long cutRows;
        private long duplicateRows;

        Report(int problemsListed) {
            this.problemsListed = problemsListed;
            this.problems = new Problems(problemsListed);
        }

        /// Keeps a row for its grader.
        List<Fitted> numbered(List<Fitted> fitted, Map<String, Object> row) {
            items.add(row);
            return fitted.stream().map(one -> one.withValue(items.size() - 1)).toList();
        }

        /// Adds the documents of one row.
        void add(long line, List<Fitted> row) {
            if (rows == lengths.length) {
                lengths = Arrays.copyOf(lengths, 2 * rows);
            }
            lengths[rows++] = row.stream().mapToInt(Fitted::fullLength).max().orElse(0);
            cutRows += row.stream().anyMatch(Fitted::cut) ? 1 : 0;
            StringBuilder digests = new StringBuilder();
            for (Fitted fitted : row) {
                Sample sample = fitted.sample();
                if (sample.length() == 0) {
                    return;
                }
                tokens += sample.length();
                trainedTokens += sample.trainedTokens();
                digests.append(sample.digest());
                samples.add(sample);
                sampleLines.add(line);
            }
            duplicateRows += seen.add(digests.toString()) ? 0 : 1;
        }

        Tokenized finished(RowSummary checked) {
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
                            duplicateRows);
            List<Problem> all = new ArrayList<>(checked.problems());
            all.addAll(problems.kept());
            all.sort(Comparator.comparingLong(Report::line));
            return new Tokenized(
                    samples,
                    sampleLines,
                    items,
                    stats,
                    all.subList(0, Math.min(problemsListed, all.size())),
                    checked.problemCount() + problems.count());
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
