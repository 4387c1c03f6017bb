package dev.tunesmith.trainer;

import dev.tunesmith.contracts.event.ChildCommand;
import dev.tunesmith.contracts.event.ChildReport;
import dev.tunesmith.contracts.event.DataTask;
import dev.tunesmith.contracts.event.Report;
import dev.tunesmith.contracts.id.TaskId;
import dev.tunesmith.contracts.job.ErrorClass;
import dev.tunesmith.platform.events.Verdict;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.json.JsonException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Does data tasks in children of their own with a small heap and within a time: a file that breaks
/// a reader ends one child, and the third time the task.
final class DataDesk {

    private static final Logger log = LoggerFactory.getLogger(DataDesk.class);
    private static final Duration TASK_MAX = Duration.ofMinutes(10);
    private static final int TRIES_MAX = 3;

    private final Children children;
    private final Workspace workspace;
    private final Outgoing outgoing;
    private final Map<TaskId, Listener> running = new ConcurrentHashMap<>();

    DataDesk(Children children, Workspace workspace, Outgoing outgoing) {
        this.children = children;
        this.workspace = workspace;
        this.outgoing = outgoing;
    }

    Verdict invited(DataTask task, int deliveries) {
        Listener listener = new Listener(task.task());
        running.put(task.task(), listener);
        try {
            run(task, listener);
        } finally {
            running.remove(task.task());
        }
        if (listener.abandoned) {
            return Verdict.ACCEPT;
        }
        Optional<Report.DataDone> outcome = Optional.ofNullable(listener.outcome.get());
        if (outcome.isEmpty() && deliveries >= TRIES_MAX) {
            outcome =
                    Optional.of(
                            failed(
                                    task.task(),
                                    "the work ended %d times without an answer"
                                            .formatted(TRIES_MAX)));
        }
        outcome.ifPresent(outgoing::deliver);
        return outcome.isPresent() ? Verdict.ACCEPT : Verdict.RELEASE;
    }

    private static Report.DataDone failed(TaskId task, String error) {
        return new Report.DataDone(task, Map.of(), List.of(), error);
    }

    /// Ends a task that nobody wants any more, if it runs here.
    void abandon(TaskId task) {
        Listener listener = running.get(task);
        if (listener != null) {
            listener.abandon();
        }
    }

    private void run(DataTask task, Listener listener) {
        try {
            Path folder = workspace.folder("data-" + task.task().value());
            ChildProcess child = children.validate(folder, listener);
            workspace.note(folder, child.pid());
            listener.begun(child);
            child.send(Json.text(new ChildCommand.Prepare(task)));
            if (!listener.end.await(TASK_MAX.toSeconds(), TimeUnit.SECONDS)) {
                log.warn("{} takes longer than {}, killed", task.task(), TASK_MAX);
                child.kill();
                listener.outcome.compareAndSet(
                        null,
                        failed(
                                task.task(),
                                "took longer than " + TASK_MAX.toMinutes() + " minutes"));
            }
            workspace.delete(folder);
        } catch (IOException e) {
            log.warn("{} could not be started: {}", task.task(), e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static final class Listener implements ChildProcess.Listener {
        final TaskId task;
        final CountDownLatch end = new CountDownLatch(1);
        final AtomicReference<Report.@Nullable DataDone> outcome = new AtomicReference<>();
        private final AtomicReference<@Nullable ChildProcess> child = new AtomicReference<>();
        volatile boolean abandoned;

        Listener(TaskId task) {
            this.task = task;
        }

        void begun(ChildProcess process) {
            child.set(process);
            if (abandoned) {
                process.kill();
            }
        }

        void abandon() {
            abandoned = true;
            ChildProcess process = child.get();
            if (process != null) {
                process.kill();
            }
        }

        @Override
        public void line(String line) {
            try {
                hear(Json.read(line, ChildReport.class));
            } catch (JsonException e) {
                log.info("{}: {}", task, line);
            }
        }

        private void hear(ChildReport report) {
            if (report instanceof ChildReport.Prepared done) {
                outcome.set(new Report.DataDone(task, done.result(), done.files(), null));
            } else if (report instanceof ChildReport.Failed f
                    && (f.errorClass() == ErrorClass.USER
                            || f.errorClass() == ErrorClass.RESOURCE)) {
                outcome.set(failed(task, f.message()));
            }
        }

        @Override
        public void log(String line) {
            log.info("{}: {}", task, line);
        }

        @Override
        public void ended(int exitCode) {
            if (outcome.get() == null && !abandoned) {
                log.warn("{} ended with code {} and no answer", task, exitCode);
            }
            end.countDown();
        }
    }
}
