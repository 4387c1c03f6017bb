package dev.tunesmith.cli;

import dev.tunesmith.cli.batch.BatchesCommand;
import dev.tunesmith.cli.data.DataCommand;
import dev.tunesmith.cli.predict.PredictCommand;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// Entry of the command line. Parsing is picocli's; an exception that is not a [CommandFailure] is
/// a defect and is shown with its trace.
@Command(
        name = "tunesmith",
        description = "Fine-tune and serve language models on your own machines.",
        mixinStandardHelpOptions = true,
        version = "tunesmith 0.1.0",
        subcommands = {
            TrainCommand.class,
            SpecCommand.class,
            PlanCommand.class,
            JobsCommand.class,
            FilesCommand.class,
            DataCommand.class,
            ModelsCommand.class,
            ChatCommand.class,
            PredictCommand.class,
            BatchesCommand.class,
            QuickstartCommand.class,
            CommandLine.HelpCommand.class
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:done, the job succeeded",
            "1:other error",
            "2:usage or validation",
            "3:training failed",
            "5:cancelled",
            "6:wait timed out, the job still runs",
            "7:quota",
            "8:not authenticated or not allowed",
            "9:platform failure or server unreachable, safe to retry",
            "11:not found",
            "12:conflict",
            "130:interrupted, detached"
        })
public final class Main implements Runnable {
    @Spec private CommandSpec spec;

    /// For picocli, which fills the fields.
    @SuppressWarnings("NullAway.Init")
    public Main() {}

    public static void main(String[] words) {
        System.exit(run(words));
    }

    /// Runs one command line and returns its exit code.
    static int run(String... words) {
        return new CommandLine(new Main())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setExecutionExceptionHandler(Main::explain)
                .execute(words);
    }

    private static int explain(Exception e, CommandLine line, CommandLine.ParseResult result)
            throws Exception {
        if (e instanceof CommandFailure failure) {
            System.err.println("tunesmith: " + failure.getMessage());
            failure.problems().forEach(problem -> System.err.println("  " + problem));
            return failure.exitCode();
        }
        throw e;
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "name a command");
    }
}
