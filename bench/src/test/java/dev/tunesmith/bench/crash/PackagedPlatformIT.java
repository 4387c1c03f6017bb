package dev.tunesmith.bench.crash;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/// `up`, `status`, `down`, and the three deaths that matter most; [CrashIT] has all of them.
class PackagedPlatformIT {
    private static final int EPOCHS = 3;

    @TempDir(cleanup = CleanupMode.ON_SUCCESS)
    static Path folder;

    private static Crash crash;

    @BeforeAll
    static void open() {
        crash = Crash.open(folder.resolve("data"), EPOCHS);
    }

    @AfterAll
    static void close() {
        crash.close();
        assertThat(crash.stack().command("status").code()).isEqualTo(1);
    }

    @Test
    void aJobSurvivesTheDeathsOfItsProcessOfTheSchedulerAndOfTheDatabase() {
        String job = crash.submit();
        long step = crash.awaitStep(job, 15);
        assertThat(Victim.CHILD.kill(crash.stack())).isTrue();
        step = crash.awaitStep(job, step + 15);
        assertThat(Victim.SCHEDULER.kill(crash.stack())).isTrue();
        crash.awaitStep(job, step + 15);
        assertThat(Victim.POSTGRES.kill(crash.stack())).isTrue();
        crash.checkUnharmed(job);
    }

    /// Two directories of a user, of different families and stored types; one job leaves an
    /// adapter, the other a merged model, and both their tables and checkpoints.
    @Test
    void modelsOfAUserTakeTheWholePath() throws IOException {
        for (ImportedModel model :
                List.of(
                        new ImportedModel("qwen2", "adapter"),
                        new ImportedModel("llama", "merged"))) {
            model.trainAndServe(crash.stack(), crash.api(), folder);
        }
    }

    @Test
    void aSecondUpSaysWhoHoldsTheData() {
        PackagedStack.Answer answer = crash.stack().command("up");

        assertThat(answer.code()).isEqualTo(3);
        assertThat(answer.text())
                .contains("held by a running stack", "pid " + crash.stack().supervisor())
                .contains(crash.stack().url());
    }

    @Test
    void statusShowsEveryPart() {
        PackagedStack.Answer answer = crash.stack().command("status");

        assertThat(answer.code()).as(answer.text()).isZero();
        for (String part :
                List.of(
                        "postgres",
                        "kafka",
                        "objects",
                        "api-service",
                        "scheduler-service",
                        "inference-service",
                        "trainer-service")) {
            assertThat(answer.text()).containsPattern(part + " +running +pid \\d+ +restarts \\d");
        }
        assertThat(answer.text()).containsPattern("migrate +done");
    }

    @Test
    void everyServiceEndsWithCodeZeroWhenAskedTo() {
        PackagedStack stack = crash.stack();
        for (Victim service :
                List.of(Victim.API, Victim.SCHEDULER, Victim.INFERENCE, Victim.TRAINER)) {
            int before = stack.restarts(service.part());
            assertThat(service.find(stack).orElseThrow().destroy()).isTrue();
            stack.await(
                    service + " to be started again",
                    () -> stack.restarts(service.part()) == before + 1);
            assertThat(stack.log("supervisor"))
                    .containsPattern(
                            service.part() + " ended with code 0, restart " + (before + 1));
        }
        crash.checkNothingLost();
    }

    /// The wished port is taken as well: the one from before is used.
    @Test
    void aKilledSupervisorIsNoticedAndReplaced() throws IOException {
        PackagedStack stack = crash.stack();
        String url = stack.url();
        ProcessHandle kafka = stack.process("kafka").orElseThrow();
        assertThat(Victim.SUPERVISOR.find(stack).orElseThrow().destroyForcibly()).isTrue();
        stack.await("its death", () -> stack.command("status").code() != 0);
        assertThat(stack.command("status").text()).contains("its supervisor was killed");
        assertThat(kafka.isAlive()).isTrue();

        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            stack.up(taken.getLocalPort());
        }

        assertThat(stack.url()).isEqualTo(url);
        assertThat(kafka.isAlive()).isFalse();
        assertThat(stack.log("supervisor")).contains("replacing kafka (pid " + kafka.pid() + ")");
        crash.checkNothingLost();
    }
}
