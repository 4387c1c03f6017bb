package dev.tunesmith.scheduler.system;

import static dev.tunesmith.scheduler.TestDatabase.MODEL;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tunesmith.contracts.data.DatasetStats;
import dev.tunesmith.contracts.event.ChildCommand;
import dev.tunesmith.contracts.event.ChildReport;
import dev.tunesmith.contracts.event.Control;
import dev.tunesmith.contracts.event.ExitCode;
import dev.tunesmith.contracts.event.Manifest;
import dev.tunesmith.contracts.event.ManifestRef;
import dev.tunesmith.contracts.id.Attempt;
import dev.tunesmith.contracts.job.Phase;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.objects.ObjectStore;
import dev.tunesmith.platform.objects.S3Objects;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/// Speaks the pipe protocol of a training child without training anything. The seed of the job is
/// its script.
public final class StandInChild {
    /// Ten quick steps.
    static final long QUICK = 1;

    /// Runs until it is told to stop; after a resume it ends quickly.
    static final long ENDLESS = 2;

    /// Kills itself after its first checkpoint; after a resume it ends quickly.
    static final long DIES = 3;

    /// Reports a result whose parts are not what the manifest says.
    static final long LIES = 4;

    /// Ends with the code of a user's mistake.
    static final long REFUSES = 5;

    /// Dies before any checkpoint, every time.
    static final long POISON = 6;

    private static final int STEPS = 10;
    private final BlockingQueue<ChildCommand> commands = new LinkedBlockingQueue<>();
    private final ObjectStore objects = store();
    private long lastNumber;
    private ChildCommand.Stop stop = new ChildCommand.Stop(ChildCommand.Reason.DRAIN);
    private boolean stopAsked;

    private StandInChild() {}

    public static void main(String[] arguments) throws Exception {
        StandInChild child = new StandInChild();
        Thread.ofPlatform().daemon().start(child::listen);
        switch (child.commands.take()) {
            case ChildCommand.Validate _ -> child.validate();
            case ChildCommand.Start start -> child.train(start);
            default -> throw new IllegalStateException("no first command");
        }
        System.exit(0);
    }

    private static ObjectStore store() {
        Map<String, String> env = System.getenv();
        return S3Objects.open(
                new ObjectStore.Credentials(
                        env.getOrDefault("TUNESMITH_OBJECTS_ENDPOINT", ""),
                        env.getOrDefault("TUNESMITH_OBJECTS_BUCKET", ""),
                        env.getOrDefault("TUNESMITH_OBJECTS_REGION", ""),
                        env.getOrDefault("TUNESMITH_OBJECTS_ACCESS_KEY", ""),
                        env.getOrDefault("TUNESMITH_OBJECTS_SECRET_KEY", "")));
    }

    private void listen() {
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                commands.add(Json.read(line, ChildCommand.class));
            }
        } catch (IOException e) {
            // The same as a closed pipe.
        }
        Runtime.getRuntime().halt(1);
    }

    private static void say(ChildReport report) {
        System.out.println(Json.text(report));
    }

    private void validate() {
        say(
                new ChildReport.Validated(
                        new DatasetStats(10, 1000, 500, 100, 90, 99, 0, 0),
                        null,
                        List.of(),
                        0,
                        MODEL));
    }

    private void train(ChildCommand.Start start) throws Exception {
        Attempt attempt = start.attempt();
        Control.Resume resume = start.work().resume();
        long script = resume == null ? start.work().spec().seed() : QUICK;
        System.err.println("script " + script + " of " + attempt);
        say(
                new ChildReport.Started(
                        ProcessHandle.current().pid(), "stand-in", Map.of("java", "25")));
        if (script == REFUSES) {
            System.exit(ExitCode.USER_ERROR);
        }
        say(new ChildReport.Entered(Phase.TRAINING, 0, STEPS));
        long step = resume == null ? 0 : resume.step();
        while (step < STEPS || script == ENDLESS) {
            step++;
            pause(100);
            say(new ChildReport.Stepped(step, STEPS, 1, 100, Map.of("train_loss", 1.0 / step)));
            if (script == POISON) {
                die();
            }
            if (step == 3 && script != ENDLESS) {
                checkpoint(start, step);
            }
            if (step == 4 && script == DIES) {
                die();
            }
            if (stopAsked) {
                obey(start, step);
            }
        }
        finish(start, step, script == LIES);
    }

    /// Waits, and takes a wish to stop on the way.
    private void pause(long millis) throws InterruptedException {
        ChildCommand command = commands.poll(millis, TimeUnit.MILLISECONDS);
        if (command instanceof ChildCommand.Stop wish) {
            stop = wish;
            stopAsked = true;
        }
    }

    private void obey(ChildCommand.Start start, long step) throws Exception {
        if (stop.reason().saves()) {
            checkpoint(start, step);
        }
        say(new ChildReport.Stopped(stop.reason(), step));
        System.exit(ExitCode.HANDED_BACK);
    }

    private void checkpoint(ChildCommand.Start start, long step) throws InterruptedException {
        String prefix =
                "%sckpt/%012d-%s/".formatted(start.work().prefix(), step, start.attempt().suffix());
        ManifestRef manifest = write(start, prefix, Manifest.Kind.CHECKPOINT, step, false);
        long n = ++lastNumber;
        say(new ChildReport.Checkpoint(n, step, manifest, 5, Map.of("train_loss", 0.5)));
        await(n);
    }

    private void finish(ChildCommand.Start start, long step, boolean lie) throws Exception {
        long n = ++lastNumber;
        say(new ChildReport.Finalizing(n, step));
        await(n);
        String prefix = start.work().prefix() + "result/" + start.attempt().suffix() + "/";
        ManifestRef manifest = write(start, prefix, Manifest.Kind.RESULT, step, lie);
        n = ++lastNumber;
        say(new ChildReport.Result(n, manifest, 5, 1234, Map.of("train_loss", 0.1)));
        await(n);
    }

    private ManifestRef write(
            ChildCommand.Start start, String prefix, Manifest.Kind kind, long step, boolean lie) {
        ObjectStore.Stored part = objects.put(prefix + "weights", "hello".getBytes(UTF_8));
        byte[] manifest =
                Json.bytes(
                        new Manifest(
                                Manifest.VERSION,
                                kind,
                                start.work().tenant(),
                                start.attempt(),
                                step,
                                List.of(
                                        new Manifest.Entry(
                                                "weights",
                                                part.key(),
                                                lie ? 99 : part.bytes(),
                                                part.sha256())),
                                Map.of(),
                                Map.of(),
                                null));
        ObjectStore.Stored stored = objects.put(prefix + Manifest.FILE_NAME, manifest);
        return new ManifestRef(stored.key(), stored.sha256());
    }

    private void await(long n) throws InterruptedException {
        while (true) {
            switch (commands.take()) {
                case ChildCommand.Committed(long answered) when answered == n -> {
                    return;
                }
                case ChildCommand.Rejected(long answered, String reason) when answered == n -> {
                    System.err.println("rejected: " + reason);
                    System.exit(ExitCode.STORAGE);
                }
                case ChildCommand.Stop wish -> {
                    stop = wish;
                    stopAsked = true;
                    if (!wish.reason().saves()) {
                        say(new ChildReport.Stopped(wish.reason(), 0));
                        System.exit(ExitCode.HANDED_BACK);
                    }
                }
                default -> {}
            }
        }
    }

    private static void die() throws Exception {
        new ProcessBuilder("kill", "-9", Long.toString(ProcessHandle.current().pid()))
                .inheritIO()
                .start()
                .waitFor();
        Thread.sleep(10_000);
    }
}
