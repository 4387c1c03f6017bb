package dev.tunesmith.scheduler.system;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tunesmith.standalone.S3Node;
import dev.tunesmith.standalone.TestStack;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// The real trainer-service parent in a process of its own, with [StandInChild] as its child.
final class TrainerProcess implements AutoCloseable {
    private final Process process;

    private TrainerProcess(Process process) {
        this.process = process;
    }

    static TrainerProcess start(Path workDir, Path log) throws IOException {
        TestStack stack = TestStack.shared();
        ProcessBuilder builder =
                new ProcessBuilder(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-Xmx96m",
                                "-XX:+UseSerialGC",
                                "-XX:TieredStopAtLevel=1",
                                "--sun-misc-unsafe-memory-access=allow",
                                "-Dtunesmith.kafka.bootstrap=" + stack.bootstrap(),
                                "-Dtunesmith.objects.endpoint=" + stack.endpoint(),
                                "-Dtunesmith.objects.access-key=" + TestStack.ACCESS_KEY,
                                "-Dtunesmith.objects.secret-key=" + stack.secret(),
                                "-Dtunesmith.objects.bucket=" + S3Node.BUCKET,
                                "-Dtunesmith.work-dir=" + workDir,
                                "-Dtunesmith.device.memory=4G",
                                "-Dtunesmith.lease.period=PT5S",
                                "-Dtunesmith.trainer.lease-margin=PT1S",
                                "-Dtunesmith.trainer.beat-every=PT0.5S",
                                "-Dtunesmith.trainer.resend-every=PT2S",
                                "-Dtunesmith.trainer.stop-wait=PT5S",
                                "-Dtunesmith.trainer.kill-wait=PT2S",
                                "-Dtunesmith.trainer.child-heap=64M",
                                "-Dtunesmith.trainer.validate-heap=64M",
                                "-Dtunesmith.trainer.child-main=" + StandInChild.class.getName(),
                                "-cp",
                                System.getProperty("java.class.path"),
                                "dev.tunesmith.trainer.Main"));
        builder.redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()));
        TrainerProcess trainer = new TrainerProcess(builder.start());
        trainer.awaitReady();
        return trainer;
    }

    private void awaitReady() throws IOException {
        BufferedReader lines =
                new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            if (line.contains("\"ready\"")) {
                return;
            }
        }
        throw new AssertionError("the trainer ended before it was ready");
    }

    /// SIGKILL: nothing is said, nothing is cleaned up.
    void kill() throws InterruptedException {
        process.destroyForcibly();
        process.waitFor();
    }

    /// SIGTERM: drains.
    int drain() throws InterruptedException {
        process.destroy();
        if (!process.waitFor(30, TimeUnit.SECONDS)) {
            throw new AssertionError("the trainer does not drain");
        }
        return process.exitValue();
    }

    /// Stops parent and children without ending them: a long garbage collection, a cut network.
    void freeze() throws IOException, InterruptedException {
        signal("-STOP");
    }

    void thaw() throws IOException, InterruptedException {
        signal("-CONT");
    }

    private void signal(String signal) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("kill", signal, "" + process.pid()));
        process.descendants().forEach(child -> command.add("" + child.pid()));
        new ProcessBuilder(command).start().waitFor();
    }

    boolean hasChildren() {
        return process.descendants().findAny().isPresent();
    }

    @Override
    public void close() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
    }
}
