package dev.tunesmith.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tunesmith.contracts.job.JobSpec;
import dev.tunesmith.contracts.job.Origin;
import dev.tunesmith.contracts.job.ResolvedSpec;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `tunesmith spec`: what a spec says, before a job is made of it.
@Command(
        name = "spec",
        description = "Translate, check and explain specs.",
        mixinStandardHelpOptions = true)
@SuppressWarnings("NullAway.Init")
final class SpecCommand {
    @Mixin private Output output;

    @Command(
            description =
                    "Translate a file of another trainer: the spec on stdout, what became of each option on stderr.",
            mixinStandardHelpOptions = true,
            footer = {
                "",
                "Examples:",
                "  tunesmith spec convert --from llamafactory sft.yaml > spec.yaml",
                "  tunesmith spec convert --from axolotl lora.yml model=nano --rows data > spec.yaml"
            })
    int convert(
            @Option(
                            names = "--from",
                            required = true,
                            paramLabel = "TRAINER",
                            description = "llamafactory, torchtune or axolotl")
                    String trainer,
            @Option(
                            names = "--rows",
                            paramLabel = "DIR",
                            description = "write the rows in our form into this folder")
                    @Nullable Path rows,
            @Option(names = "--force", description = "leave refused options out") boolean force,
            @Parameters(
                            paramLabel = "FILE|key=value",
                            arity = "1..*",
                            description = "the file, then changes to the spec")
                    List<String> words) {
        ForeignSpec spec =
                ForeignSpec.read(
                        trainer, Path.of(words.getFirst()), words.subList(1, words.size()));
        spec.explain(System.err);
        if (rows != null) {
            spec.check(force);
            spec.writeRows(rows);
        }
        output.text(spec.yaml());
        if (rows == null) {
            spec.check(force);
        }
        return ExitCode.OK;
    }

    @Command(
            description =
                    "Check a spec by the platform's own rules, without a server; all problems at once.",
            mixinStandardHelpOptions = true)
    int validate(
            @Parameters(
                            paramLabel = "SPEC|key=value",
                            arity = "1..*",
                            description = "a spec file, then changes to it")
                    List<String> words) {
        ObjectNode body = SpecFile.of(words).body();
        JobSpec spec = SpecPlan.checked(body);
        output.object(
                body, "in order: method %s of %s".formatted(spec.method().wire(), spec.model()));
        return ExitCode.OK;
    }

    @Command(
            description =
                    "Show every value that a spec leads to, where it comes from and why; rows of a local file are counted, their tokens estimated.",
            mixinStandardHelpOptions = true,
            footer = {
                "",
                "Examples:",
                "  tunesmith spec explain spec.yaml",
                "  tunesmith spec explain spec.yaml rank=32 --model-dir models/nano --memory 8GiB"
            })
    int explain(@Mixin PlanOptions options) {
        ResolvedSpec resolved = options.plan().resolved();
        var values = new LinkedHashMap<String, Object>(resolved.settings().hyperparameters());
        values.putAll(resolved.flat());
        var rows = new ArrayList<List<String>>();
        values.forEach((key, value) -> rows.add(row(key, value, resolved.origins().get(key))));
        output.table(
                Api.JSON.valueToTree(Map.of("values", values, "origins", resolved.origins())),
                List.of("SETTING", "VALUE", "FROM", "WHY"),
                rows);
        return ExitCode.OK;
    }

    private static List<String> row(String key, Object value, @Nullable Origin origin) {
        String reason = origin == null ? "follows from the others" : origin.reason();
        return List.of(
                key,
                String.valueOf(value),
                origin == null ? "-" : origin.kind().wire(),
                reason == null ? "" : reason);
    }
}
