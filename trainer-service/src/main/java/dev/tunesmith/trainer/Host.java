package dev.tunesmith.trainer;

import dev.tunesmith.contracts.event.ChildCommand;
import dev.tunesmith.contracts.event.Control;
import dev.tunesmith.contracts.event.Topics;
import dev.tunesmith.contracts.survey.Compute;
import dev.tunesmith.platform.events.ControlTail;
import dev.tunesmith.platform.events.EventProducer;
import dev.tunesmith.platform.events.ReadSettings;
import dev.tunesmith.platform.events.ShareLoop;
import dev.tunesmith.platform.objects.ObjectStore;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A trainer host at work: hears control messages, beats, takes invitations while a slot is free,
/// and ends in order. The scheduler is the judge of everything; this host holds no truth.
final class Host implements AutoCloseable {
    /// Share group of the validation tasks.
    static final String VALIDATORS = "validators";

    private static final Logger log = LoggerFactory.getLogger(Host.class);
    private static final Duration SETTLE_WAIT = Duration.ofSeconds(5);
    private static final long POLL_MILLIS = 50;

    private final TrainerSettings settings;
    private final HostIdentity identity;
    private final EventProducer reports;
    private final EventProducer lossy;
    private final ChildStarter starter = new ChildStarter();
    private final Workspace workspace;
    private final LogShelf logs;
    private final Children children;
    private final Attempts attempts;
    private final Outgoing outgoing;
    private final Heartbeat heartbeat;
    private final Claims claims;
    private final ControlTail control;
    private final ShareLoop invitations;
    private final ShareLoop tasks;
    private final AtomicBoolean draining = new AtomicBoolean();

    private Host(TrainerSettings settings, HostIdentity identity, ObjectStore objects) {
        this.settings = settings;
        this.identity = identity;
        this.logs = new LogShelf(objects);
        this.workspace = new Workspace(settings.workDir().resolve("attempts"));
        this.children = new Children(settings, starter);
        this.attempts = new Attempts(settings.slots());
        String bootstrap = settings.kafkaBootstrap();
        this.reports = EventProducer.durable(bootstrap, "reports-" + identity.host());
        this.lossy = EventProducer.lossy(bootstrap, "beats-" + identity.host());
        this.outgoing =
                new Outgoing(reports, lossy, Clock.systemUTC(), settings.periods().resend());
        this.heartbeat = new Heartbeat(identity, settings, attempts, outgoing, this::tick);
        this.claims =
                new Claims(identity, outgoing, attempts, this::begin, settings.periods().claim());
        DataDesk data = new DataDesk(children, workspace, outgoing);
        var compute = new Compute(settings.device().described(), settings.children().threads());
        ValidateDesk validations = new ValidateDesk(children, workspace, outgoing, compute);
        ControlDesk desk =
                new ControlDesk(
                        attempts,
                        claims,
                        outgoing,
                        heartbeat::answered,
                        this::drain,
                        data::abandon);
        this.control = ControlTail.start(bootstrap, Topics.CONTROL, identity.host(), desk::handle);
        heartbeat.start();
        this.invitations =
                ShareLoop.start(
                        reading(
                                Topics.trainers(settings.flavor()),
                                Topics.dispatch(settings.flavor())),
                        () -> !draining.get() && attempts.free() > 0,
                        claims::invited,
                        reports);
        this.tasks =
                ShareLoop.start(
                        reading(VALIDATORS, Topics.VALIDATE),
                        () -> !draining.get(),
                        new TaskDesk(validations, data)::invited,
                        reports);
    }

    /// Begins to work.
    static Host start(TrainerSettings settings, HostIdentity identity, ObjectStore objects)
            throws IOException {
        new Workspace(settings.workDir().resolve("attempts")).sweep();
        return new Host(settings, identity, objects);
    }

    private ReadSettings reading(String group, String topic) {
        return new ReadSettings(
                settings.kafkaBootstrap(), group, List.of(topic), group + "-" + identity.host());
    }

    /// A grant becomes a child.
    private void begin(Control.Grant grant) {
        String name = "attempt-" + grant.attempt().lease();
        Run run =
                new Run(
                        grant.attempt(),
                        grant.work(),
                        outgoing,
                        new JobLog(workspace.root().resolve(name).resolve(LogShelf.NAME)),
                        settings,
                        heartbeat::nudge);
        attempts.add(run);
        try {
            Path folder = workspace.folder(name);
            ChildProcess child = children.train(folder, run);
            workspace.note(folder, child.pid());
            run.begin(child);
            if (draining.get()) {
                run.stop(ChildCommand.Reason.DRAIN);
            }
        } catch (IOException e) {
            log.warn("{} could not be started", grant.attempt(), e);
            run.failedToStart(e);
        }
        heartbeat.nudge();
    }

    private void tick() {
        outgoing.resendDue();
        for (Run run : attempts.all()) {
            run.tick();
            if (run.finished()) {
                attempts.remove(run.attempt());
                Thread.ofVirtual().start(() -> tidyUp(run));
            }
        }
    }

    private void tidyUp(Run run) {
        logs.keep(run);
        workspace.delete(workspace.root().resolve("attempt-" + run.attempt().lease()));
    }

    /// No more invitations; every child writes its state and goes.
    void drain() {
        if (draining.compareAndSet(false, true)) {
            log.info("draining {} attempts", attempts.all().size());
            heartbeat.drain();
            attempts.all().forEach(run -> run.stop(ChildCommand.Reason.DRAIN));
        }
    }

    /// Drains, waits for every child and every answer within bounds, and ends.
    @Override
    public void close() throws IOException {
        drain();
        TrainerSettings.Periods periods = settings.periods();
        awaitEmpty(periods.stop().plus(periods.kill()).plus(SETTLE_WAIT));
        invitations.close();
        tasks.close();
        heartbeat.close();
        control.close();
        starter.close();
        reports.close();
        lossy.close();
        identity.close();
    }

    private void awaitEmpty(Duration bound) {
        long until = System.nanoTime() + bound.toNanos();
        try {
            while (!attempts.all().isEmpty() && System.nanoTime() < until) {
                Thread.sleep(POLL_MILLIS);
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
