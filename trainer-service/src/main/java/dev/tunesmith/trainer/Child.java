package dev.tunesmith.trainer;

import dev.tunesmith.contracts.event.ExitCode;
import dev.tunesmith.kernels.ProcessControl;
import dev.tunesmith.trainer.attempt.ChildSettings;
import dev.tunesmith.trainer.attempt.ChildWork;
import dev.tunesmith.trainer.attempt.ParentLink;
import java.io.PrintStream;

/// The process of one attempt, or of one validation task. Its argument is the process id of its
/// parent; without one, whoever is the parent at the start.
///
/// It ends with its parent in two ways: the kernel kills it when the thread that started it ends,
/// and it halts by itself when its standard input ends.
public final class Child {

    private Child() {}

    public static void main(String[] arguments) {
        long parentPid =
                arguments.length > 0
                        ? Long.parseLong(arguments[0])
                        : ProcessHandle.current().parent().map(ProcessHandle::pid).orElse(-1L);
        if (!ProcessControl.diesWith(parentPid)) {
            Runtime.getRuntime().halt(ExitCode.HANDED_BACK);
        }
        PrintStream reports = System.out;
        // Whatever a library prints belongs to the log, not between the reports.
        System.setOut(System.err);
        long self = ProcessHandle.current().pid();
        int exitCode;
        try (ParentLink parent =
                new ParentLink(reports, () -> ProcessMemory.peakBytes(self).orElse(0))) {
            exitCode =
                    new ChildWork(ChildSettings.fromProcess(), parent)
                            .run(System.in, () -> Runtime.getRuntime().halt(ExitCode.HANDED_BACK));
        }
        System.err.flush();
        Runtime.getRuntime().halt(exitCode);
    }
}
