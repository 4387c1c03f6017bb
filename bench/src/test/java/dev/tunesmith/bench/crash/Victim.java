package dev.tunesmith.bench.crash;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Stream;

/// What can be killed.
enum Victim {
    /// The process that trains.
    CHILD,
    TRAINER,
    SCHEDULER,
    API,
    INFERENCE,
    /// The database server itself.
    POSTGRES,
    /// The process that holds the database server, which lives on without it.
    POSTGRES_HOLDER,
    KAFKA,
    OBJECTS,
    SUPERVISOR;

    /// The part whose restart follows.
    String part() {
        return switch (this) {
            case CHILD, TRAINER -> "trainer-service";
            case SCHEDULER -> "scheduler-service";
            case API -> "api-service";
            case INFERENCE -> "inference-service";
            case POSTGRES, POSTGRES_HOLDER -> "postgres";
            case KAFKA -> "kafka";
            case OBJECTS -> "objects";
            case SUPERVISOR -> "supervisor";
        };
    }

    /// The process as it is now; empty while it is away.
    Optional<ProcessHandle> find(PackagedStack stack) {
        return switch (this) {
            case CHILD -> below(stack, "dev.tunesmith.trainer.Child");
            case POSTGRES -> below(stack, "-D");
            case SUPERVISOR -> ProcessHandle.of(stack.supervisor()).filter(ProcessHandle::isAlive);
            case TRAINER, SCHEDULER, API, INFERENCE, POSTGRES_HOLDER, KAFKA, OBJECTS ->
                    stack.process(part());
        };
    }

    /// The child of the part whose command line has this word.
    private Optional<ProcessHandle> below(PackagedStack stack, String word) {
        return stack.process(part()).stream()
                .flatMap(ProcessHandle::children)
                .filter(ProcessHandle::isAlive)
                .filter(child -> words(child).anyMatch(word::equals))
                .findFirst();
    }

    private static Stream<String> words(ProcessHandle process) {
        return process.info().arguments().stream().flatMap(Arrays::stream);
    }

    /// SIGKILL in this moment, and the return of what was killed.
    ///
    /// @return false when there was nothing to kill
    boolean kill(PackagedStack stack) {
        Optional<ProcessHandle> process = find(stack);
        if (process.isEmpty() || !process.get().destroyForcibly()) {
            return false;
        }
        stack.await(this + " to be dead", () -> !process.get().isAlive());
        if (this == SUPERVISOR) {
            stack.up();
        } else if (this != CHILD) {
            stack.await(
                    this + " to be started again",
                    () -> find(stack).filter(now -> now.pid() != process.get().pid()).isPresent());
        }
        return true;
    }
}
