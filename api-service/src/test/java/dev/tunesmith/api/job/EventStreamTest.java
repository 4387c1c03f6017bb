package dev.tunesmith.api.job;

import static dev.tunesmith.api.testing.Api.as;
import static dev.tunesmith.api.testing.Api.upload;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasSize;

import dev.tunesmith.api.testing.Api;
import dev.tunesmith.api.testing.ApiTestResource;
import dev.tunesmith.api.testing.Rows;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.platform.sql.Database;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("servers")
@QuarkusTest
@WithTestResource(ApiTestResource.class)
class EventStreamTest {
    private final Database scheduler = Api.scheduler();
    private JobId job = new JobId(new java.util.UUID(0, 0));

    @BeforeEach
    void aJob() {
        Rows.baseModel("nano");
        String file = upload("demo", "train.jsonl", Rows.CHAT).path("id");
        String id =
                as("demo")
                        .body("{\"model\":\"nano\",\"training_file\":\"%s\"}".formatted(file))
                        .post("/v1/fine_tuning/jobs")
                        .path("id");
        job = JobId.parse(id);
    }

    @Test
    void listsNewestFirstAndPagesExactly() {
        for (int i = 1; i <= 4; i++) {
            say("step " + i);
        }
        String cursor =
                as("demo")
                        .get("/v1/fine_tuning/jobs/{id}/events?limit=2", job.wire())
                        .then()
                        .statusCode(200)
                        .body("data.message", equalTo(List.of("step 4", "step 3")))
                        .body("data[0].object", equalTo("fine_tuning.job.event"))
                        .body("data[0].type", equalTo("message"))
                        .body("has_more", equalTo(true))
                        .extract()
                        .path("data[1].id");
        as("demo")
                .get("/v1/fine_tuning/jobs/{id}/events?limit=2&after={c}", job.wire(), cursor)
                .then()
                .body("data.message", equalTo(List.of("step 2", "step 1")));
    }

    @Test
    void followsLiveAndEndsWithTheJob() throws Exception {
        try (BufferedReader stream = follow("")) {
            readUntil(stream, "Created fine-tuning job");
            Duration soonest = Duration.ofDays(1);
            for (String text : List.of("a fresh message", "a second one", "a third one")) {
                Instant said = Instant.now();
                say(text);
                readUntil(stream, text);
                Duration after = Duration.between(said, Instant.now());
                soonest = after.compareTo(soonest) < 0 ? after : soonest;
            }
            assertThat(soonest).isLessThan(Duration.ofSeconds(1));

            fail();
            List<String> rest = readUntil(stream, "[DONE]");
            assertThat(String.join("\n", rest)).contains("id: 5").contains("the end");
            assertThat(stream.readLine()).isEmpty();
            assertThat(stream.readLine()).isNull();
        }
    }

    @Test
    void resumesBehindTheLastEventThatWasSeenAndPingsWhenQuiet() throws Exception {
        say("one");
        say("two");
        try (BufferedReader stream = follow("2")) {
            List<String> lines = readUntil(stream, ": ping");
            assertThat(String.join("\n", lines)).contains("two").doesNotContain("one");
        }
    }

    @Test
    void listsCommittedCheckpointsOnly() {
        scheduler.useTransaction(
                "test",
                handle -> {
                    for (int step : List.of(10, 20)) {
                        handle.execute(
                                """
                                INSERT INTO checkpoint (job_id, step, epoch, lease_id, manifest_key, manifest_sha256, bytes, metrics)
                                VALUES (?, ?, 1, gen_random_uuid(), ?, decode(repeat('00', 32), 'hex'), 1, '{"train_loss": 1.5}')
                                """,
                                job.value(),
                                step,
                                job.wire() + step);
                    }
                });
        String path = "/v1/fine_tuning/jobs/{id}/checkpoints";
        String id =
                as("demo")
                        .get(path + "?limit=1", job.wire())
                        .then()
                        .statusCode(200)
                        .body("data[0].step_number", equalTo(20))
                        .body("data[0].metrics.train_loss", equalTo(1.5f))
                        .body("data[0].fine_tuning_job_id", equalTo(job.wire()))
                        .body("has_more", equalTo(true))
                        .extract()
                        .path("data[0].id");
        as("demo")
                .get(path + "?after={c}", job.wire(), id)
                .then()
                .body("data", hasSize(1))
                .body("data[0].step_number", equalTo(10));
    }

    private void say(String message) {
        scheduler.useTransaction(
                "test",
                handle ->
                        handle.execute(
                                """
                                INSERT INTO job_message (job_id, tenant_id, message)
                                VALUES (?, ?, ?)
                                """,
                                job.value(),
                                Api.tenant("demo").value(),
                                message));
    }

    private void fail() {
        scheduler.useTransaction(
                "test",
                handle -> {
                    handle.execute(
                            """
                            UPDATE job SET state = 'FAILED', error_code = 'diverged', finished_at = now()
                            WHERE job_id = ?
                            """,
                            job.value());
                    handle.execute(
                            """
                            INSERT INTO job_message (job_id, tenant_id, message)
                            VALUES (?, ?, 'the end')
                            """,
                            job.value(),
                            Api.tenant("demo").value());
                });
    }

    private BufferedReader follow(String lastEventId) throws IOException, InterruptedException {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(
                                URI.create(
                                        "http://127.0.0.1:%d/v1/fine_tuning/jobs/%s/events?stream=true"
                                                .formatted(RestAssured.port, job.wire())))
                        .header("Authorization", "Bearer " + Api.key("demo"));
        if (!lastEventId.isEmpty()) {
            request.header("Last-Event-ID", lastEventId);
        }
        HttpClient client = HttpClient.newHttpClient();
        return new BufferedReader(
                new InputStreamReader(
                        client.send(request.build(), BodyHandlers.ofInputStream()).body(), UTF_8));
    }

    private static List<String> readUntil(BufferedReader stream, String text) throws IOException {
        List<String> lines = new ArrayList<>();
        String line = stream.readLine();
        while (line != null && !line.contains(text)) {
            lines.add(line);
            line = stream.readLine();
        }
        assertThat(line).contains(text);
        return lines;
    }
}
