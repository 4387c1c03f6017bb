package dev.tunesmith.bench.crash;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
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

    /// Longer than the object store's client tries by itself.
    private static final long AWAY_MILLIS = 4_000;

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

    /// First it hangs, then it is gone: training goes on, and what it has to store waits.
    @Test
    void aJobWaitsForAnObjectStoreThatIsAwayForAWhile() {
        PackagedStack stack = crash.stack();
        String job = crash.submit();
        long step = crash.awaitStep(job, 15);
        try (Halt _ = Halt.of(Victim.OBJECTS.find(stack))) {
            step = crash.awaitStep(job, step + 25);
        }
        try (Halt _ = Halt.without(stack, Victim.OBJECTS)) {
            crash.awaitStep(job, step + 25);
            PackagedStack.pause(AWAY_MILLIS);
        }
        crash.checkUnharmed(job);
        assertThat(
                        crash.sql()
                                .one(
                                        "SELECT count(*) FROM job_attempt WHERE job_id = ?",
                                        PackagedStack.id(job)))
                .as("attempts: nothing was lost or begun anew")
                .isEqualTo("1");
    }

    /// A key that nobody remembers cannot be checked then; the other tenant has not shown its yet.
    @Test
    void whileTheDatabaseIsAwayAnAnswerSaysSoAndWhenToComeBack() throws Exception {
        PackagedStack stack = crash.stack();
        try (HttpClient client = HttpClient.newHttpClient()) {
            HttpRequest request =
                    HttpRequest.newBuilder(URI.create(stack.url() + "/v1/models"))
                            .header("authorization", "Bearer " + stack.key("guest"))
                            .build();
            HttpResponse<String> answer;
            try (Halt _ = Halt.without(stack, Victim.POSTGRES_HOLDER, Victim.POSTGRES)) {
                answer = client.send(request, BodyHandlers.ofString());
            }
            assertThat(answer.statusCode()).as(answer.body()).isEqualTo(503);
            assertThat(answer.headers().firstValue("retry-after")).contains("2");
            assertThat(answer.headers().firstValue("content-type").orElse(""))
                    .startsWith("application/json");
            JsonNode error = StackApi.JSON.readTree(answer.body()).path("error");
            assertThat(error.path("type").asText()).isEqualTo("server_error");
            assertThat(error.path("code").asText()).isEqualTo("unavailable");
            assertThat(error.path("message").asText()).contains("database", "try again");
            stack.await("the database", () -> status(client, request) == 200);
        }
        assertThat(stack.log("api-service"))
                .contains("keys cannot be checked")
                .doesNotContain("\tat ");
        crash.checkNothingLost();
    }

    private static int status(HttpClient client, HttpRequest request) {
        try {
            return client.send(request, BodyHandlers.discarding()).statusCode();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
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
