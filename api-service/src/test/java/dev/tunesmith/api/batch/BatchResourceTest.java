package dev.tunesmith.api.batch;

import static dev.tunesmith.api.testing.Api.as;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.nullValue;

import dev.tunesmith.api.testing.Api;
import dev.tunesmith.api.testing.ApiTestResource;
import dev.tunesmith.api.testing.Rows;
import dev.tunesmith.contracts.id.BatchId;
import dev.tunesmith.contracts.id.FileId;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.objects.ObjectStore;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.Response;
import jakarta.inject.Inject;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("servers")
@QuarkusTest
@WithTestResource(ApiTestResource.class)
class BatchResourceTest {
    private static final String CHAT = "/v1/chat/completions";

    @Inject ObjectStore objects;
    @Inject BatchSettings settings;

    @BeforeEach
    void hasAModel() {
        Rows.baseModel("nano");
    }

    @Test
    void answersEveryLineInOrderAndPutsErrorsIntoAFileOfTheirOwn() {
        String input = upload(line("a", "hello"), line("b", "too long"), "", line("c", "bye"));
        String id = create(input).then().statusCode(200).extract().path("id");

        Response done = await(id);

        done.then()
                .body("status", equalTo("completed"))
                .body("model", equalTo("nano"))
                .body("errors", nullValue())
                .body("request_counts.total", equalTo(3))
                .body("request_counts.completed", equalTo(2))
                .body("request_counts.failed", equalTo(1))
                .body("usage.total_tokens", equalTo(4))
                .body("metadata.purpose", equalTo("test"));
        List<Map<String, Object>> good = lines(done.path("output_file_id"));
        assertThat(good).extracting(line -> line.get("custom_id")).containsExactly("a", "c");
        assertThat(good.getFirst().toString())
                .contains("status_code=200", "BASE for " + Api.tenant("demo").wire());
        List<Map<String, Object>> bad = lines(done.path("error_file_id"));
        assertThat(bad).hasSize(1);
        assertThat(bad.getFirst().toString())
                .contains("custom_id=b", "status_code=400", "context_length_exceeded");
        as("demo")
                .get("/v1/files?purpose=batch_output")
                .then()
                .body("data.id", hasItem(done.<String>path("output_file_id")));
        as("guest").get("/v1/files/" + done.path("output_file_id")).then().statusCode(404);
        as("demo").get("/v1/batches?limit=1").then().body("data[0].id", equalTo(id));
        assertThat(objects.list(prefix(id), "", 10)).isEmpty();
    }

    @Test
    void saysWhatIsWrongWithAllLinesAndAsksNone() {
        String input =
                upload(
                        line("a", "hello"),
                        line("a", "hello"),
                        "{\"custom_id\":\"b\",",
                        "{\"custom_id\":\"c\",\"method\":\"GET\",\"url\":\"/v1/completions\"}",
                        line("d", "hello").replace("nano", "other"));
        Response failed = await(create(input).path("id"));

        failed.then()
                .body("status", equalTo("failed"))
                .body("request_counts.total", equalTo(0))
                .body("output_file_id", nullValue())
                .body("errors.object", equalTo("list"));
        assertThat(failed.<List<String>>path("errors.data.code"))
                .containsExactly(
                        "duplicate_custom_id",
                        "invalid_json_line",
                        "invalid_method",
                        "invalid_url",
                        "missing_required_parameter",
                        "mismatched_model");
        assertThat(failed.<List<Integer>>path("errors.data.line"))
                .containsExactly(2, 3, 4, 4, 4, 5);
        await(create(upload("")).path("id"))
                .then()
                .body("errors.data[0].code", equalTo("empty_file"));
    }

    /// Kills: errors with a NUL, which jsonb does not take, so that the batch is never done.
    @Test
    void whatIsWrongIsSaidHoweverHostileTheLines() {
        String hostile = line("a\\u0000", "hello").replace("POST", "\\u0000\\ud800");
        Response failed =
                await(
                        create(upload(hostile, line("b", "x").replace("nano", "na\\u0000no")))
                                .path("id"));

        failed.then().body("status", equalTo("failed"));
        assertThat(failed.<List<String>>path("errors.data.code"))
                .containsExactly("invalid_custom_id", "invalid_method", "mismatched_model");
        String unknown = line("b", "x").replace("nano", "na\\u0000no\\ud800");
        await(create(upload("\uFEFF" + unknown)).path("id"))
                .then()
                .body("errors.data[0].code", equalTo("model_not_found"))
                .body("errors.data[0].line", equalTo(1));
    }

    @Test
    void refusesWhatItCannotTakeAllAtOnce() {
        String training = Api.upload("demo", "x.jsonl", Rows.CHAT).path("id");
        as("demo")
                .body(
                        """
                        {"input_file_id":"%s","endpoint":"/v1/embeddings","completion_window":"1h","model":"x"}
                        """
                                .formatted(training))
                .post("/v1/batches")
                .then()
                .statusCode(400)
                .body("error.param", equalTo("input_file_id"))
                .body("x_errors.param", hasItem("endpoint"))
                .body("x_errors.param", hasItem("completion_window"))
                .body("x_errors.param", hasItem("model"));
        as("demo").body("{}").post("/v1/batches").then().statusCode(400);
    }

    @Test
    void aRequestThatIsSentTwiceMakesOneBatch() {
        String input = upload(line("a", "hello"));
        String key = "key-" + UUID.randomUUID();

        Response first = create(input, Map.of("Idempotency-Key", key));
        Response second = create(input, Map.of("Idempotency-Key", key));
        Response blind = create(input, Map.of("x-stainless-retry-count", "1"));
        Response other = create(upload(line("a", "bye")), Map.of("Idempotency-Key", key));

        first.then().statusCode(200);
        second.then().header("idempotent-replayed", "true");
        assertThat(second.<String>path("id")).isEqualTo(first.path("id"));
        assertThat(blind.<String>path("id")).isEqualTo(first.path("id"));
        other.then().statusCode(422).body("error.code", equalTo("idempotency_mismatch"));
        create(input, Map.of("Idempotency-Key", "k".repeat(256)))
                .then()
                .statusCode(400)
                .body("error.param", equalTo("Idempotency-Key"));
        assertThat(create(input).<String>path("id")).isNotEqualTo(first.path("id"));
    }

    @Test
    void aBatchThatTheQueueHasNoRoomForFailsAndLaterOnesGoOn() {
        long limit = settings.queuedTokens();
        String waiting = waiting(limit - 10);
        String input = upload(line("a", "hello"));

        Response full = await(create(input).path("id"));

        full.then()
                .body("status", equalTo("failed"))
                .body("errors.data[0].code", equalTo("token_limit_exceeded"))
                .body("errors.data[0].message", containsString("Limit: %d".formatted(limit)));
        Rows.ofTenant(
                "demo",
                "UPDATE batch SET state = 'CANCELLED', finished_at = now() WHERE batch_id = '%s'"
                        .formatted(waiting));
        await(create(input).path("id")).then().body("status", equalTo("completed"));
    }

    /// A batch whose tokens wait, leased by a worker that will not be heard of for a while.
    private static String waiting(long tokens) {
        UUID id = UUID.randomUUID();
        Rows.ofTenant(
                "demo",
                """
                INSERT INTO batch (batch_id, tenant_id, state, endpoint, input_file, model, queued_tokens,
                  lease_id, lease_expires_at, expires_at)
                VALUES ('%s', '%s', 'IN_PROGRESS', '%s', gen_random_uuid(), 'nano', %d,
                  gen_random_uuid(), now() + interval '1 hour', now() + interval '1 hour')
                """
                        .formatted(id, Api.tenant("demo").value(), CHAT, tokens));
        return id.toString();
    }

    @Test
    void aCancelledBatchKeepsWhatWasAnswered() {
        String input = upload(line("a", "hello"), line("b", "silent"), line("c", "silent"));
        String id = create(input).path("id");
        as("demo")
                .delete("/v1/files/" + input)
                .then()
                .statusCode(400)
                .body("error.code", equalTo("file_in_use"));
        as("demo").post("/v1/batches/" + id + "/cancel").then().statusCode(200);

        Response cancelled = await(id);

        cancelled.then().body("status", equalTo("cancelled")).body("error_file_id", nullValue());
        as("demo").post("/v1/batches/" + id + "/cancel").then().statusCode(200);
        as("demo").delete("/v1/files/" + input).then().statusCode(200);
        String ended = create(upload("")).path("id");
        await(ended);
        as("demo")
                .post("/v1/batches/" + ended + "/cancel")
                .then()
                .statusCode(400)
                .body("error.message", containsString("failed"));
    }

    @Test
    void goesOnBehindWhatAKilledWorkerHasStored() {
        List<String> rows = IntStream.range(0, 5).mapToObj(i -> line("r" + i, "hello")).toList();
        String input = upload(rows.toArray(String[]::new));
        String content = String.join("\n", rows) + "\n";
        long third = content.indexOf(rows.get(2));
        BatchId id = new BatchId(UUID.randomUUID());
        List<AnswerLine> stored =
                List.of(stored("r0", "of the killed worker"), stored("r1", "of the killed worker"));
        objects.put(
                prefix(id.wire()) + "%015d.json".formatted(0),
                Json.bytes(new Parts.Part(third, 3, stored)));
        leased(id, input, content.length(), "now() + interval '1 hour'");

        Response done = await(id.wire());

        done.then().body("status", equalTo("completed"));
        List<Map<String, Object>> lines = lines(done.path("output_file_id"));
        assertThat(lines)
                .extracting(line -> line.get("custom_id"))
                .containsExactly("r0", "r1", "r2", "r3", "r4");
        assertThat(lines.stream().filter(line -> line.toString().contains("killed"))).hasSize(2);
        done.then().body("request_counts.completed", equalTo(5));
    }

    @Test
    void whatIsNotAskedInTimeHasExpired() {
        String row = line("late", "hello");
        BatchId id = new BatchId(UUID.randomUUID());
        leased(id, upload(row), row.length() + 1, "now() - interval '1 second'");

        Response expired = await(id.wire());

        expired.then().body("status", equalTo("expired")).body("output_file_id", nullValue());
        assertThat(lines(expired.path("error_file_id")).toString())
                .contains("custom_id=late", "batch_expired");
    }

    /// A batch of lines in order, whose worker has not been heard of for a while.
    private static void leased(BatchId id, String input, long bytes, String expires) {
        Rows.ofTenant(
                "demo",
                """
                INSERT INTO batch (batch_id, tenant_id, state, endpoint, input_file, model, input_key, input_bytes,
                  total, lease_id, lease_expires_at, expires_at, in_progress_at)
                SELECT '%s', tenant_id, 'IN_PROGRESS', '%s', file_id, 'nano', object_key, %d, %d,
                  gen_random_uuid(), now() - interval '1 second', %s, now()
                FROM file WHERE file_id = '%s'
                """
                        .formatted(
                                id.value(),
                                CHAT,
                                bytes,
                                bytes < 200 ? 1 : 5,
                                expires,
                                FileId.parse(input).value()));
    }

    private static AnswerLine stored(String customId, String text) {
        return new AnswerLine(
                "batch_req_0",
                customId,
                new AnswerLine.Response(200, "req_0", Map.of("said", text)),
                null);
    }

    private static String prefix(String id) {
        return "t/%s/batches/%s/".formatted(Api.tenant("demo").value(), BatchId.parse(id).value());
    }

    private static String line(String customId, String word) {
        return """
        {"custom_id":"%s","method":"POST","url":"%s","body":{"model":"nano","messages":[{"role":"user","content":"%s"}]}}\
        """
                .formatted(customId, CHAT, word);
    }

    private static String upload(String... lines) {
        return as("demo")
                .multiPart("purpose", "batch")
                .multiPart("file", "batch.jsonl", (String.join("\n", lines) + "\n").getBytes(UTF_8))
                .post("/v1/files")
                .path("id");
    }

    private static Response create(String input) {
        return create(input, Map.of());
    }

    private static Response create(String input, Map<String, String> headers) {
        return as("demo")
                .headers(headers)
                .contentType("application/json")
                .body(
                        """
                        {"input_file_id":"%s","endpoint":"%s","completion_window":"24h",\
                        "metadata":{"purpose":"test"}}
                        """
                                .formatted(input, CHAT))
                .post("/v1/batches");
    }

    private static Response await(String id) {
        List<String> ended = List.of("completed", "failed", "expired", "cancelled");
        for (int i = 0; i < 300; i++) {
            Response batch = as("demo").get("/v1/batches/" + id);
            if (ended.contains(batch.<String>path("status"))) {
                return batch;
            }
            try {
                Thread.sleep(50);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
        throw new AssertionError("not ended: " + as("demo").get("/v1/batches/" + id).asString());
    }

    private static List<Map<String, Object>> lines(String file) {
        var lines = new ArrayList<Map<String, Object>>();
        as("demo")
                .get("/v1/files/" + file + "/content")
                .asString()
                .lines()
                .forEach(line -> lines.add(Json.tree(line)));
        return lines;
    }
}
