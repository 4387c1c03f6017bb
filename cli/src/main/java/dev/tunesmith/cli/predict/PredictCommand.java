package dev.tunesmith.cli.predict;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tunesmith.cli.Api;
import dev.tunesmith.cli.CommandFailure;
import dev.tunesmith.cli.Connection;
import dev.tunesmith.cli.ExitCode;
import dev.tunesmith.cli.Output;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
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
/// wanted, and their scores.
///
/// Answers are written in the order of the rows; a call with the same output goes on behind the
/// last one.
@Command(
        name = "predict",
        description = "Answer the rows of a file with a model and score the answers.",
        mixinStandardHelpOptions = true)
@SuppressWarnings("NullAway.Init")
public final class PredictCommand implements Callable<Integer> {
    private static final ObjectReader ROWS = Api.JSON.readerForMapOf(Object.class);

    @Mixin private Connection connection;
    @Mixin private Output output;

    @Parameters(paramLabel = "FILE", description = "JSON lines or a JSON array of any known shape")
    private Path file;

    @Option(names = "--model", required = true, paramLabel = "MODEL")
    private String model;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            defaultValue = "generated_predictions.jsonl",
            description = "JSON lines of prompt, label and predict (${DEFAULT-VALUE})")
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

    @Override
    public Integer call() {
        Api api = connection.open();
        int done = written();
        if (done > 0 && !output.isQuiet()) {
            System.err.printf("%s has %d answers; going on behind them%n", target, done);
        }
        try (MappingIterator<Map<String, Object>> rows = ROWS.readValues(file.toFile());
                BufferedWriter writer =
                        Files.newBufferedWriter(
                                target, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            int number = 0;
            List<PredictedRow> batch = new ArrayList<>();
            while (rows.hasNextValue() && (limit == 0 || number < limit)) {
                Map<String, Object> row = rows.nextValue();
                if (++number > done) {
                    batch.add(PredictedRow.of(number, row));
                }
                if (batch.size() == 4 * Math.max(1, parallel)) {
                    answer(api, threads, batch, writer);
                }
            }
            answer(api, threads, batch, writer);
        } catch (IOException e) {
            throw new CommandFailure(ExitCode.USAGE, "%s: %s".formatted(file, e.getMessage()));
        }
        score(api);
        return ExitCode.OK;
    }

    /// Answers that an earlier call has written.
    private int written() {
        if (!Files.exists(target)) {
            return 0;
        }
        try (Stream<String> lines = Files.lines(target)) {
            return Math.toIntExact(lines.count());
        } catch (IOException e) {
            throw new CommandFailure(ExitCode.USAGE, "%s: %s".formatted(target, e.getMessage()));
        }
    }

    private void answer(
            Api api, ExecutorService threads, List<PredictedRow> batch, BufferedWriter writer)
            throws IOException {
        for (int from = 0; from < batch.size(); from += parallel) {
            List<PredictedRow> part = batch.subList(from, Math.min(from + parallel, batch.size()));
            List<Future<String>> answers = new ArrayList<>();
            for (PredictedRow row : part) {
                answers.add(threads.submit(() -> predicted(api, row)));
            }
            for (int i = 0; i < part.size(); i++) {
                ObjectNode line = Api.JSON.createObjectNode();
                line.put("prompt", part.get(i).prompt())
                        .put("label", part.get(i).label())
                        .put("predict", result(answers.get(i)));
                writer.write(line.toString());
                writer.newLine();
            }
            writer.flush();
            if (!output.isQuiet()) {
                System.err.printf("%d rows answered%n", part.getLast().number());
            }
        }
        batch.clear();
    }

    private String predicted(Api api, PredictedRow row) {
        ObjectNode body = Api.JSON.createObjectNode();
        body.put("model", model).put("max_tokens", maxTokens).put("temperature", temperature);
        body.set("messages", Api.JSON.valueToTree(row.messages()));
        JsonNode answer = api.post("/v1/chat/completions", body);
        return answer.path("choices").path(0).path("message").path("content").asText("");
    }

    private static String result(Future<String> answer) {
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

    private void score(Api api) {
        ObjectNode body = Api.JSON.createObjectNode().put("model", model);
        ArrayNode pairs = body.putArray("pairs");
        try (Stream<String> lines = Files.lines(target)) {
            for (String line : lines.toList()) {
                JsonNode row = Api.JSON.readTree(line);
                if (!row.path("label").asText().isEmpty()) {
                    pairs.addObject()
                            .put("prediction", row.path("predict").asText())
                            .put("reference", row.path("label").asText());
                }
            }
        } catch (IOException e) {
            throw new CommandFailure(ExitCode.USAGE, "%s: %s".formatted(target, e.getMessage()));
        }
        if (pairs.isEmpty()) {
            output.text("no row has an answer to compare with");
            return;
        }
        JsonNode answer = api.post("/v1/scores", body);
        List<List<String>> table = new ArrayList<>();
        for (Map.Entry<String, JsonNode> score : answer.path("scores").properties()) {
            boolean asked =
                    metrics.isEmpty() || metrics.stream().anyMatch(score.getKey()::startsWith);
            if (asked) {
                table.add(
                        List.of(
                                score.getKey(),
                                String.format(Locale.ROOT, "%.4f", score.getValue().asDouble())));
            }
        }
        output.table(answer, List.of("SCORE", "VALUE"), table);
    }
}
