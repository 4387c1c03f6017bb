package dev.tunesmith.cli;

import java.nio.file.Path;
import java.util.List;
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
}
