package dev.tunesmith.trainer;

import dev.tunesmith.contracts.data.DatasetStats;
import dev.tunesmith.contracts.event.ChildCommand;
import dev.tunesmith.contracts.event.ChildReport;
import dev.tunesmith.contracts.event.Envelope;
import dev.tunesmith.contracts.event.Report;
import dev.tunesmith.contracts.event.ValidateTask;
import dev.tunesmith.contracts.job.ErrorClass;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.problem.ProblemCode;
import dev.tunesmith.contracts.survey.Compute;
import dev.tunesmith.contracts.survey.DataSurvey;
import dev.tunesmith.platform.events.IncomingEvent;
import dev.tunesmith.platform.events.Verdict;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.json.JsonException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Checks data sets in children of their own with a small heap: a file that breaks the reader ends
/// one child, and the third time the task.
final class ValidateDesk {
    private static final Logger log = LoggerFactory.getLogger(ValidateDesk.class);
    private static final Duration TASK_MAX = Duration.ofMinutes(10);
    private static final int TRIES_MAX = 3;

    private final Children children;
    private final Workspace workspace;
    private final Outgoing outgoing;
    private final Compute compute;

    /// @param compute what jobs of this host compute on, by which their time is estimated
    ValidateDesk(Children children, Workspace workspace, Outgoing outgoing, Compute compute) {
        this.children = children;
        this.workspace = workspace;
        this.outgoing = outgoing;
        this.compute = compute;
    }

    Verdict invited(IncomingEvent event) {
        ValidateTask task;
        try {
            Envelope envelope = Json.read(event.json(), Envelope.class);
            if (!(envelope.payload() instanceof ValidateTask found)) {
                return Verdict.REJECT;
            }
            task = found;
        } catch (JsonException e) {
            log.warn("not a task: {}", e.getMessage());
            return Verdict.REJECT;
        }
        Optional<Report.Validated> outcome = run(task);
        if (outcome.isEmpty() && event.deliveries() >= TRIES_MAX) {
            outcome =
                    Optional.of(
                            refused(
                                    task,
                                    new Problem(
                                            ProblemCode.INTERNAL_ERROR,
                                            null,
                                            "the check of the training file ended %d times without an answer"
                                                    .formatted(TRIES_MAX),
                                            null,
                                            null)));
        }
        outcome.ifPresent(outgoing::deliver);
        return outcome.isPresent() ? Verdict.ACCEPT : Verdict.RELEASE;
    }

    private Optional<Report.Validated> run(ValidateTask task) {
        Listener listener = new Listener(task, compute);
        try {
            Path folder = workspace.folder("task-" + task.task().value());
            ChildProcess child = children.validate(folder, listener);
            workspace.note(folder, child.pid());
            child.send(Json.text(new ChildCommand.Validate(task)));
            if (!listener.end.await(TASK_MAX.toSeconds(), TimeUnit.SECONDS)) {
                log.warn("{} takes longer than {}, killed", task.task(), TASK_MAX);
                child.kill();
            }
            workspace.delete(folder);
        } catch (IOException e) {
            log.warn("{} could not be started: {}", task.task(), e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return Optional.ofNullable(listener.outcome.get());
    }

    private static Report.Validated refused(ValidateTask task, Problem problem) {
        return new Report.Validated(
                task.task(),
                task.job(),
                task.file(),
                DatasetStats.EMPTY,
                null,
                List.of(problem),
                1,
                null,
                null);
    }

    private static final class Listener implements ChildProcess.Listener {
        final ValidateTask task;
        final Compute compute;
        final CountDownLatch end = new CountDownLatch(1);
        final AtomicReference<Report.@Nullable Validated> outcome = new AtomicReference<>();

        Listener(ValidateTask task, Compute compute) {
            this.task = task;
            this.compute = compute;
        }

        @Override
        public void line(String line) {
            try {
                hear(Json.read(line, ChildReport.class));
            } catch (JsonException e) {
                log.info("{}: {}", task.task(), line);
            }
        }

        private void hear(ChildReport report) {
            if (report instanceof ChildReport.Validated v) {
                DataSurvey survey = v.survey();
                outcome.set(
                        new Report.Validated(
                                task.task(),
                                task.job(),
                                task.file(),
                                v.training(),
                                v.validation(),
                                v.problems(),
                                v.problemCount(),
                                v.model(),
                                survey == null ? null : survey.on(compute),
                                v.report(),
                                v.notes()));
            } else if (report instanceof ChildReport.Failed f
                    && (f.errorClass() == ErrorClass.USER
                            || f.errorClass() == ErrorClass.RESOURCE)) {
                outcome.set(
                        refused(
                                task,
                                new Problem(
                                        ProblemCode.INVALID_TRAINING_FILE,
                                        f.param(),
                                        f.message(),
                                        null,
                                        null)));
            }
        }

        @Override
        public void log(String line) {
            log.info("{}: {}", task.task(), line);
        }

        @Override
        public void ended(int exitCode) {
            if (outcome.get() == null) {
                log.warn("{} ended with code {} and no answer", task.task(), exitCode);
            }
            end.countDown();
        }
    }
}
