package dev.tunesmith.bench;

import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.tunesmith.cli.data.ReadingOptions;
import dev.tunesmith.contracts.data.FileInspection;
import dev.tunesmith.contracts.data.RowSummary;
import dev.tunesmith.contracts.data.SummaryText;
import dev.tunesmith.contracts.inspect.Finding;
import dev.tunesmith.contracts.mixture.DataRules;
import dev.tunesmith.contracts.mixture.Reading;
import dev.tunesmith.contracts.mixture.RowConversion;
import dev.tunesmith.contracts.problem.Fields;
import dev.tunesmith.contracts.problem.Problems;
import dev.tunesmith.engine.corpus.Recognition;
import dev.tunesmith.engine.data.SourceRows;
import dev.tunesmith.engine.rows.RowSource;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `data check FILE`: everything about a training file that needs no tokenizer, on this machine.
@Command(
        name = "tunesmith data check",
        description = "Check a training file of any kind without a model, on this machine.",
        mixinStandardHelpOptions = true,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:it can be trained on", "2:usage, or rows that cannot be trained on"})
@SuppressWarnings("NullAway.Init")
final class DataCommand implements Runnable {

    private static final JsonMapper JSON =
            JsonMapper.builder()
                    .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
                    .build();

    @Parameters(paramLabel = "FILE", description = "JSONL, JSON, CSV, TSV, Parquet, Arrow, TXT")
    private Path file;

    @Option(
            names = "--validation",
            paramLabel = "FILE",
            description = "also check this file, and which of its rows are trained on")
    private @Nullable Path validation;

    @Option(
            names = "--report",
            paramLabel = "FILE",
            description = "write every finding here, one JSON object a line")
    private @Nullable Path report;

    @Option(names = "--json", description = "print one JSON object and nothing else")
    private boolean json;

    @Mixin private ReadingOptions reading;

    private final Map<Path, String> recognised = new LinkedHashMap<>();
    private int exitCode;

    private DataCommand() {}

    /// Exits with 0 if the file can be trained on, 2 if not.
    static int run(List<String> words) {
        DataCommand command = new DataCommand();
        int usage =
                new CommandLine(command)
                        .setExecutionExceptionHandler((problem, _, _) -> {
                            System.err.println("tunesmith: " + problem.getMessage());
                            return 2;
                        })
                        .execute(words.toArray(String[]::new));
        return usage == 0 ? command.exitCode : usage;
    }

    @Override
    public void run() {
        for (Path one : validation == null ? List.of(file) : List.of(file, validation)) {
            if (!Files.isRegularFile(one)) {
                throw new CommandLine.ParameterException(
                        new CommandLine(this), "no such file: " + one);
            }
        }
        try {
            check();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// How the rows are read, in the words of an entry of `x_training.data`.
    private Reading reading() {
        Problems problems = new Problems();
        Reading read = DataRules.reading(new Fields(reading.words(), "", problems));
        if (!problems.none()) {
            throw new CommandLine.ParameterException(
                    new CommandLine(this),
                    problems.kept().stream()
                            .map(problem -> "--" + problem.text())
                            .collect(Collectors.joining("\n")));
        }
        return read;
    }

    private RowSummary check(Path path, Reading asked, FileInspection inspection)
            throws IOException {
        RowSource source = RowSource.of(path);
        Recognition found = Recognition.of(source, asked, false);
        recognised.put(path, found.reason(path.getFileName().toString(), asked));
        return SourceRows.of(source, new RowConversion(found.reading(asked), false))
                .inspect(inspection);
    }

    private void check() throws IOException {
        Reading asked = reading();
        Map<String, RowSummary> summaries = new LinkedHashMap<>();
        try (Writer lines =
                report == null ? Writer.nullWriter() : Files.newBufferedWriter(report)) {
            FileInspection training =
                    new FileInspection(FileInspection.ROWS_COMPARED, to(lines, "training"));
            summaries.put("training", check(file, asked, training));
            if (validation != null) {
                summaries.put(
                        "validation",
                        check(
                                validation,
                                asked,
                                training.validation(
                                        FileInspection.ROWS_COMPARED, to(lines, "validation"))));
            }
        }
        exitCode = summaries.values().stream().allMatch(RowSummary::ok) ? 0 : 2;
        if (json) {
            System.out.println(
                    JSON.writeValueAsString(
                            validation == null ? summaries.get("training") : summaries));
            return;
        }
        summaries.forEach((name, summary) -> {
            Path path = validation == null || name.equals("training") ? file : validation;
            System.out.println(path + ":");
            System.out.println("  " + recognised.get(path) + "; " + ReadingOptions.OVERRIDE);
            SummaryText.lines(summary).forEach(line -> System.out.println("  " + line));
        });
    }

    private static Consumer<Finding> to(Writer lines, String name) {
        return finding -> {
            try {
                Map<String, Object> line = new LinkedHashMap<>();
                line.put("file", name);
                line.put("line", finding.line());
                line.put("kind", finding.kind());
                line.put("field", finding.field());
                line.put("message", finding.message());
                lines.write(JSON.writeValueAsString(line));
                lines.write('\n');
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        };
    }
}
