package dev.tunesmith.cli.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tunesmith.cli.Connection;
import dev.tunesmith.cli.ExitCode;
import dev.tunesmith.cli.Output;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `tunesmith data`: looks at training data as a model sees it, and makes other files of it. The
/// work is done by the server; `data check` without a model needs none and is started by the
/// launcher itself.
@Command(
        name = "data",
        description = "Look at training data, or make other files of it.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "(check | preview | tokens | convert | split | pack)")
@SuppressWarnings("NullAway.Init")
public final class DataCommand {
    @Mixin private Connection connection;
    @Mixin private Output output;

    /// What every verb that counts tokens is asked with.
    static final class Counting {
        @Option(
                names = "--model",
                required = true,
                description = "whose tokenizer and template count")
        private String model;

        @Option(names = "--method", description = "supervised, pretrain, dpo, kto, reward_model")
        private @Nullable String method;

        @Option(names = "--max-seq-len", paramLabel = "N", description = "tokens of a row")
        private @Nullable Integer maxSeqLen;

        @Option(
                names = "--template",
                paramLabel = "NAME",
                description = "for a model that brings none")
        private @Nullable String template;

        @Mixin private TemplateOptions variables;

        @Option(
                names = "--parse-special-tokens",
                description = "names of control tokens in texts become these tokens")
        private boolean parsesSpecial;

        void addTo(ObjectNode wish) {
            wish.put("model", model);
            variables.addTo(wish);
            if (parsesSpecial) {
                wish.put("parse_special_tokens", true);
            }
            DataTaskRun.put(wish, "method", method);
            DataTaskRun.put(wish, "template", template);
            if (maxSeqLen != null) {
                wish.put("max_seq_len", maxSeqLen);
            }
        }
    }

    @Command(
            description = "Report everything about a file, with the tokens of a model.",
            mixinStandardHelpOptions = true)
    int check(
            @Parameters(paramLabel = "FILE", description = "a file here, or file-…") String file,
            @Mixin Counting counting,
            @Mixin ReadingOptions reading,
            @Option(names = "--validation", paramLabel = "FILE") @Nullable String validation,
            @Option(names = "--report", paramLabel = "FILE") @Nullable Path report) {
        DataTaskRun run = run("check", reading);
        counting.addTo(run.wish());
        run.second(validation);
        JsonNode task = run.of(file);
        if (report != null) {
            run.download(task, "findings.jsonl", report);
        }
        show(task, () -> text().check(task.path("result")));
        boolean bad =
                task.path("result").path("training").path("problem_count").asLong()
                                + task.path("result")
                                        .path("validation")
                                        .path("problem_count")
                                        .asLong()
                        > 0;
        return bad ? ExitCode.USAGE : ExitCode.OK;
    }

    @Command(
            description = "Show a row as the model sees it; what is trained is coloured.",
            mixinStandardHelpOptions = true)
    int preview(
            @Parameters(paramLabel = "FILE", description = "a file here, or file-…") String file,
            @Mixin Counting counting,
            @Mixin ReadingOptions reading,
            @Option(names = "--row", paramLabel = "N", defaultValue = "1") long row) {
        DataTaskRun run = run("preview", reading);
        counting.addTo(run.wish());
        run.wish().put("row", row);
        JsonNode task = run.of(file);
        show(task, () -> text().preview(task.path("result")));
        return ExitCode.OK;
    }

    @Command(description = "Count the tokens of all rows.", mixinStandardHelpOptions = true)
    int tokens(
            @Parameters(paramLabel = "FILE", description = "a file here, or file-…") String file,
            @Mixin Counting counting,
            @Mixin ReadingOptions reading) {
        DataTaskRun run = run("tokens", reading);
        counting.addTo(run.wish());
        JsonNode task = run.of(file);
        show(task, () -> text().tokens(task.path("result")));
        return ExitCode.OK;
    }

    @Command(
            description = "Write the rows as another kind of file or in another shape.",
            mixinStandardHelpOptions = true)
    int convert(
            @Parameters(paramLabel = "FILE", description = "a file here, or file-…") String file,
            @Option(
                            names = {"-o", "--output"},
                            required = true,
                            description =
                                    "FILE.jsonl, .json, .csv, .tsv (and .gz or .zst of them), .parquet"
                                            + " or .arrow")
                    Path target,
            @Option(names = "--shape", description = "openai, sharegpt, alpaca")
                    @Nullable String shape,
            @Mixin ReadingOptions reading) {
        DataTaskRun run = run("convert", reading);
        String name = target.getFileName().toString();
        String format = name.replaceFirst("^.*?([A-Za-z]+(\\.(gz|zst))?)$", "$1");
        run.wish().put("format", format);
        DataTaskRun.put(run.wish(), "shape", shape);
        JsonNode task = run.of(file);
        run.download(task, "rows." + format, target);
        show(task, () -> text().converted(task.path("result"), target));
        return ExitCode.OK;
    }

    @Command(
            description = "Divide a file; rows that say the same stay together.",
            mixinStandardHelpOptions = true)
    int split(
            @Parameters(paramLabel = "FILE", description = "a file here, or file-…") String file,
            @Option(
                            names = "--validation",
                            required = true,
                            description = "a share below 1, or a number of rows")
                    double validation,
            @Option(names = "--seed", defaultValue = "0") long seed,
            @Option(
                            names = "--likeness",
                            defaultValue = "normalised",
                            description = "exact, normalised, near")
                    String likeness,
            @Option(
                            names = {"-o", "--output"},
                            defaultValue = ".",
                            description = "folder for training.jsonl and validation.jsonl")
                    Path folder,
            @Mixin ReadingOptions reading) {
        DataTaskRun run = run("split", reading);
        run.wish().put("validation", validation).put("seed", seed).put("likeness", likeness);
        JsonNode task = run.of(file);
        run.download(task, "training.jsonl", folder.resolve("training.jsonl"));
        run.download(task, "validation.jsonl", folder.resolve("validation.jsonl"));
        JsonNode result = task.path("result");
        show(
                task,
                () ->
                        output.text(
                                "%d rows for training, %d for validation, of %d different ones"
                                        .formatted(
                                                result.path("training").asLong(),
                                                result.path("validation").asLong(),
                                                result.path("groups").asLong())));
        return ExitCode.OK;
    }

    @Command(
            description = "Say how full rows become when documents share them.",
            mixinStandardHelpOptions = true)
    int pack(
            @Parameters(paramLabel = "FILE", description = "a file here, or file-…") String file,
            @Mixin Counting counting,
            @Mixin ReadingOptions reading) {
        DataTaskRun run = run("pack", reading);
        counting.addTo(run.wish());
        JsonNode task = run.of(file);
        show(task, () -> text().packed(task.path("result")));
        return ExitCode.OK;
    }

    private DataTaskRun run(String verb, ReadingOptions reading) {
        var run = new DataTaskRun(connection.open(), verb);
        reading.addTo(run.wish());
        return run;
    }

    private DataText text() {
        return new DataText(output, Output.hasColours());
    }

    private void show(JsonNode task, Runnable text) {
        if (output.isJson()) {
            output.object(task, "");
        } else {
            text.run();
        }
    }
}
