package dev.tunesmith.cli.predict;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tunesmith.cli.Api;
import dev.tunesmith.cli.CommandFailure;
import dev.tunesmith.cli.Connection;
import dev.tunesmith.cli.ExitCode;
import dev.tunesmith.cli.Output;
import dev.tunesmith.cli.data.PlainRows;
import dev.tunesmith.cli.data.ReadingOptions;
import dev.tunesmith.cli.data.TemplateOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `tunesmith predict FILE --model M`: answers to all rows of a file, beside the ones that were
/// wanted, their scores, and how likely the model finds the wanted ones.
///
/// Answers are written in the order of the rows; a call with the same output goes on behind the
/// last one. A row that the server refuses has its reason in place of an answer. Rows of a data set
/// that the server has are answered by its batches ([BatchAnswers]), rows of a file here as they
/// come ([DirectAnswers]).
@Command(
        name = "predict",
        description = "Answer the rows of a file with a model and score the answers.",
        mixinStandardHelpOptions = true)
@SuppressWarnings("NullAway.Init")
public final class PredictCommand implements Callable<Integer> {
    @Mixin private Connection connection;
    @Mixin private Output output;
    @Mixin private ReadingOptions reading;
    @Mixin private TemplateOptions template;

    @Parameters(
            paramLabel = "FILE|ID",
            description =
                    "rows of any kind and shape that a job takes; the id of a file that the server has"
                            + " is answered by its batches")
    private String source;

    @Option(names = "--model", required = true, paramLabel = "MODEL")
    private String model;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            defaultValue = "generated_predictions.jsonl",
            description = "JSON lines of row, prompt, label, predict and scores (${DEFAULT-VALUE})")
    private Path target;

    @Option(
            names = "--parallel",
            paramLabel = "N",
            defaultValue = "16",
            description = "requests at once (${DEFAULT-VALUE})")
    private int parallel;

    @Option(names = "--max-tokens", paramLabel = "N", defaultValue = "256")
    private int maxTokens;

    @Option(names = "--temperature", defaultValue = "0")
    private double temperature;

    @Option(
            names = "--limit",
            paramLabel = "N",
            defaultValue = "0",
            description = "first rows only")
    private int limit;

    @Option(
            names = "--metrics",
            split = ",",
            paramLabel = "NAME",
            description = "scores to print, by the start of their names: bleu,rouge,sacrebleu,…")
    private List<String> metrics = List.of();

    @Option(
            names = "--no-likelihood",
            description = "do not ask how likely the wanted answers are (accuracy, perplexity)")
    private boolean plain;

    @Override
    public Integer call() {
        Api api = connection.open();
        Tally tally = new Tally(api, model);
        long refused;
        try (Predictions predictions = Predictions.open(target)) {
            int done = predictions.earlier().size();
            if (done > 0 && !output.isQuiet()) {
                System.err.printf("%s has %d answers; going on behind them%n", target, done);
            }
            refused = recalled(predictions.earlier(), tally);
            refused += answered(api, tally, predictions);
        } catch (IOException e) {
            throw new CommandFailure(ExitCode.USAGE, "%s: %s".formatted(source, e.getMessage()));
        }
        show(tally, refused);
        return ExitCode.OK;
    }

    private boolean isServed() {
        return source.startsWith("file-") && !Files.exists(Path.of(source));
    }

    private Asking asking() {
        ObjectNode written = Api.JSON.createObjectNode();
        template.addTo(written);
        return new Asking(model, maxTokens, temperature, written);
    }

    private long answered(Api api, Tally tally, Predictions predictions) throws IOException {
        Path folder = Files.createTempDirectory("tunesmith-predict");
        try {
            DatasetRows.Source rows = rows(api, folder.resolve("rows"));
            Answers answers =
                    isServed() ? batched(api, rows, folder) : new DirectAnswers(api, asking());
            return answerAll(answers, rows, tally, predictions);
        } finally {
            try (Stream<Path> files = Files.list(folder)) {
                for (Path file : (Iterable<Path>) files::iterator) {
                    Files.delete(file);
                }
            }
            Files.delete(folder);
        }
    }

    /// The rows as JSON: as they are, or as the server reads them.
    private DatasetRows.Source rows(Api api, Path target) throws IOException {
        Path given = isServed() ? target : Path.of(source);
        if (isServed()) {
            api.download("/v1/files/" + Api.quoted(source) + "/content", target);
        }
        if (reading.isEmpty() && Files.exists(given) && PlainRows.is(given)) {
            return new DatasetRows.Source(given, new BitSet());
        }
        PlainRows.Written written = PlainRows.write(api, source, reading, target);
        if (!written.problems().isEmpty() && !output.isQuiet()) {
            System.err.println("rows that cannot be read are left out:");
            written.problems().forEach(problem -> System.err.println("  " + problem));
        }
        return new DatasetRows.Source(target, written.skipped());
    }

    /// The same rows, whose requests the server answers as batches; it goes on when this command
    /// ends, and the next call takes what it has.
    private Answers batched(Api api, DatasetRows.Source file, Path folder) throws IOException {
        try (DatasetRows rows = DatasetRows.open(file, 0, limit)) {
            Requests requests = Requests.write(rows, asking(), !plain, folder);
            return BatchAnswers.of(api, requests, output.isQuiet());
        }
    }

    private long answerAll(
            Answers answers, DatasetRows.Source file, Tally tally, Predictions predictions)
            throws IOException {
        long refused = 0;
        try (DatasetRows rows = DatasetRows.open(file, predictions.earlier().size(), limit);
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var with = new Answering(answers, tally, threads);
            List<PredictedRow> part = new ArrayList<>();
            for (Optional<PredictedRow> row = rows.next(); row.isPresent(); row = rows.next()) {
                part.add(row.get());
                if (part.size() == Math.max(1, parallel)) {
                    refused += answer(with, part, predictions);
                }
            }
            return refused + answer(with, part, predictions);
        }
    }

    /// Counts the answers of earlier calls.
    ///
    /// @return how many of them the server had refused
    private static long recalled(List<JsonNode> lines, Tally tally) {
        List<Tally.Pair> pairs = new ArrayList<>();
        long refused = 0;
        for (JsonNode line : lines) {
            if (line.has("error")) {
                refused++;
            } else if (!line.path("label").asText().isEmpty()) {
                pairs.add(
                        new Tally.Pair(line.path("predict").asText(), line.path("label").asText()));
            }
            tally.add(line);
        }
        tally.add(pairs);
        return refused;
    }

    /// What a part of the rows is answered with.
    private record Answering(Answers answers, Tally tally, ExecutorService threads) {}

    /// Answers, scores and writes rows.
    ///
    /// @return how many of them the server refused
    private long answer(Answering with, List<PredictedRow> rows, Predictions predictions)
            throws IOException {
        List<Future<ObjectNode>> answers = new ArrayList<>();
        for (PredictedRow row : rows) {
            answers.add(with.threads().submit(() -> line(with, row)));
        }
        List<ObjectNode> lines = new ArrayList<>();
        List<ObjectNode> compared = new ArrayList<>();
        List<Tally.Pair> pairs = new ArrayList<>();
        long refused = 0;
        for (Future<ObjectNode> answer : answers) {
            ObjectNode line = result(answer);
            lines.add(line);
            with.tally().add(line);
            String label = line.path("label").asText();
            if (line.has("error")) {
                refused++;
            } else if (!label.isEmpty()) {
                compared.add(line);
                pairs.add(new Tally.Pair(line.path("predict").asText(), label));
            }
        }
        List<JsonNode> scores = with.tally().add(pairs);
        for (int i = 0; i < compared.size(); i++) {
            for (Map.Entry<String, JsonNode> score : scores.get(i).properties()) {
                compared.get(i).set(score.getKey(), score.getValue());
            }
        }
        for (ObjectNode line : lines) {
            predictions.write(line);
        }
        predictions.flush();
        if (!output.isQuiet() && !rows.isEmpty()) {
            System.err.printf("%d rows answered%n", predictions.count());
        }
        rows.clear();
        return refused;
    }

    private ObjectNode line(Answering with, PredictedRow row) {
        ObjectNode line = Api.JSON.createObjectNode();
        line.put("row", row.number()).put("prompt", row.prompt()).put("label", row.label());
        try {
            line.put("predict", with.answers().predicted(row));
        } catch (CommandFailure e) {
            if (e.exitCode() != ExitCode.USAGE) {
                throw e;
            }
            line.put("predict", "").put("error", e.getMessage());
        }
        if (!plain && !row.trained().isEmpty()) {
            for (Map.Entry<String, JsonNode> value : with.answers().likelihood(row).properties()) {
                line.set(value.getKey(), value.getValue());
            }
        }
        return line;
    }

    private static ObjectNode result(Future<ObjectNode> answer) {
        try {
            return answer.get();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof CommandFailure failure
                    ? failure
                    : new CommandFailure(ExitCode.PLATFORM, String.valueOf(e.getCause()));
        } catch (InterruptedException _) {
            throw new CommandFailure(ExitCode.DETACHED, "interrupted");
        }
    }

    private void show(Tally tally, long refused) {
        if (refused > 0 && !output.isQuiet()) {
            System.err.printf("%d rows were refused; %s says why (error)%n", refused, target);
        }
        ObjectNode scores = tally.scores();
        if (scores.isEmpty()) {
            output.text("no row has an answer to compare with");
            return;
        }
        List<List<String>> table = new ArrayList<>();
        for (Map.Entry<String, JsonNode> score : scores.properties()) {
            boolean asked =
                    metrics.isEmpty() || metrics.stream().anyMatch(score.getKey()::startsWith);
            if (asked) {
                table.add(
                        List.of(
                                score.getKey(),
                                String.format(Locale.ROOT, "%.4f", score.getValue().asDouble())));
            }
        }
        ObjectNode whole = Api.JSON.createObjectNode();
        whole.put("object", "scores").put("model", model).put("count", tally.pairs());
        whole.put("refused", refused).set("scores", scores);
        output.table(whole, List.of("SCORE", "VALUE"), table);
    }
}
