package dev.tunesmith.api;

import static dev.tunesmith.api.testing.Api.as;
import static dev.tunesmith.api.testing.Api.upload;
import static io.restassured.RestAssured.given;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.api.testing.Api;
import dev.tunesmith.api.testing.ApiTestResource;
import dev.tunesmith.api.testing.Rows;
import dev.tunesmith.contracts.id.ApiKey;
import dev.tunesmith.contracts.id.JobId;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.Response;
import io.restassured.specification.RequestSpecification;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Every operation on an id, asked by its owner, by another tenant, without a key and with keys
/// that are no good.
@Tag("servers")
@QuarkusTest
@WithTestResource(ApiTestResource.class)
class IsolationTest {
    private static final String OWN_MODEL = "ft:nano:demo:iso:00000001";

    private final List<Operation> operations = new ArrayList<>();

    /// @param own path with an id of tenant demo
    /// @param unknown the same path with an id that nobody has
    private record Operation(String method, String own, String unknown, String body) {}

    @BeforeEach
    void makesThingsOfOneTenant() {
        Rows.baseModel("nano");
        Rows.tunedModel("demo", OWN_MODEL, "nano");
        String file = upload("demo", "iso.jsonl", Rows.CHAT).path("id");
        String job =
                as("demo")
                        .body("{\"model\":\"nano\",\"training_file\":\"%s\"}".formatted(file))
                        .post("/v1/fine_tuning/jobs")
                        .path("id");
        String nobody = new JobId(UUID.randomUUID()).wire();
        id("GET", "/v1/files/%s", file, "file-" + "0".repeat(32));
        id("GET", "/v1/files/%s/content", file, "file-" + "0".repeat(32));
        id("GET", "/api/v1/files/%s/findings", file, "file-" + "0".repeat(32));
        id("GET", "/v1/fine_tuning/jobs/%s", job, nobody);
        id("GET", "/v1/fine_tuning/jobs/%s/events", job, nobody);
        id("GET", "/v1/fine_tuning/jobs/%s/events?stream=true&probe=1", job, nobody);
        id("GET", "/v1/fine_tuning/jobs/%s/checkpoints", job, nobody);
        id("POST", "/v1/fine_tuning/jobs/%s/pause", job, nobody);
        id("POST", "/v1/fine_tuning/jobs/%s/resume", job, nobody);
        id("GET", "/api/v1/jobs/%s", job, nobody);
        id("GET", "/api/v1/jobs/%s/findings", job, nobody);
        id("GET", "/v1/models/%s", OWN_MODEL, "ft:nano:demo:iso:99999999");
        id("GET", "/api/v1/models/%s", OWN_MODEL, "ft:nano:demo:iso:99999999");
        String task =
                as("demo")
                        .contentType("application/json")
                        .body("{\"verb\":\"check\",\"file\":\"%s\"}".formatted(file))
                        .post("/api/v1/data/tasks")
                        .path("id");
        id("GET", "/api/v1/data/tasks/%s", task, "task_" + "0".repeat(32));
        id("POST", "/api/v1/data/tasks/%s/cancel", task, "task_" + "0".repeat(32));
        String batch =
                as("demo")
                        .contentType("application/json")
                        .body(
                                """
                                {"input_file_id":"%s","endpoint":"/v1/completions","completion_window":"24h"}
                                """
                                        .formatted(batchInput()))
                        .post("/v1/batches")
                        .path("id");
        id("GET", "/v1/batches/%s", batch, "batch_" + "0".repeat(32));
        id("POST", "/v1/batches/%s/cancel", batch, "batch_" + "0".repeat(32));
        operations.add(
                new Operation(
                        "POST",
                        "/v1/chat/completions",
                        "/v1/chat/completions",
                        "{\"model\":\"%s\",\"messages\":[]}".formatted(OWN_MODEL)));
        operations.add(
                new Operation(
                        "POST",
                        "/v1/scores",
                        "/v1/scores",
                        "{\"model\":\"%s\",\"pairs\":[]}".formatted(OWN_MODEL)));
        operations.add(
                new Operation(
                        "POST",
                        "/v1/score",
                        "/v1/score",
                        "{\"model\":\"%s\",\"rows\":[]}".formatted(OWN_MODEL)));
        id("POST", "/v1/fine_tuning/jobs/%s/cancel", job, nobody);
        id("DELETE", "/v1/models/%s", OWN_MODEL, "ft:nano:demo:iso:99999999");
    }

    /// A batch whose model takes its time.
    private static String batchInput() {
        String line =
                """
                {"custom_id":"a","method":"POST","url":"/v1/completions","body":{"model":"nano","prompt":"silent"}}
                """;
        return as("demo")
                .multiPart("purpose", "batch")
                .multiPart("file", "batch.jsonl", line.getBytes(UTF_8))
                .post("/v1/files")
                .path("id");
    }

    private void id(String method, String template, String own, String unknown) {
        operations.add(
                new Operation(method, template.formatted(own), template.formatted(unknown), ""));
    }

    @Test
    void anotherTenantSeesWhatNobodySees() {
        for (Operation operation : operations) {
            Response foreign = send(as("guest"), operation, operation.own());
            assertThat(foreign.statusCode()).as(operation.toString()).isEqualTo(404);
            if (!operation.own().equals(operation.unknown())) {
                Response unknown = send(as("guest"), operation, operation.unknown());
                assertThat(shape(foreign)).as(operation.toString()).isEqualTo(shape(unknown));
            }
        }
    }

    @Test
    void withoutAGoodKeyNothingIsSaid() {
        List<String> keys =
                List.of("", "Bearer x", "Bearer " + Api.key("unknown"), "Bearer " + revoked());
        for (Operation operation : operations) {
            for (String key : keys) {
                RequestSpecification request =
                        key.isEmpty() ? given() : given().header("Authorization", key);
                Response answer = send(request, operation, operation.own());
                assertThat(answer.statusCode()).as(operation + " " + key).isEqualTo(401);
            }
        }
    }

    @Test
    void theOwnerIsLetIn() {
        for (Operation operation : operations) {
            if (!operation.own().contains("stream=true")) {
                Response answer = send(as("demo"), operation, operation.own());
                assertThat(answer.statusCode()).as(operation.toString()).isEqualTo(200);
            }
        }
    }

    @Test
    void anothersFileIsNoBatchAndAnothersModelNoGrader() {
        String input = batchInput();
        as("guest")
                .contentType("application/json")
                .body(
                        """
                        {"input_file_id":"%s","endpoint":"/v1/completions","completion_window":"24h"}
                        """
                                .formatted(input))
                .post("/v1/batches")
                .then()
                .statusCode(400);
        String grader =
                """
                {"grader":{"type":"score_model","name":"x","model":"%s","input":[{"role":"user","content":"x"}]}}
                """
                        .formatted(OWN_MODEL);
        String validate = "/v1/fine_tuning/alpha/graders/validate";
        Response own = as("demo").contentType("application/json").body(grader).post(validate);
        Response foreign = as("guest").contentType("application/json").body(grader).post(validate);
        assertThat(own.statusCode()).isEqualTo(200);
        assertThat(foreign.statusCode()).isEqualTo(400);
        assertThat(as("guest").get("/v1/batches").<List<String>>path("data.id")).isEmpty();
    }

    /// The key of another tenant is neither a replay nor a mismatch: the request is looked at as
    /// any.
    @Test
    void anothersIdempotencyKeyMeansNothing() {
        String order =
                """
                {"input_file_id":"%s","endpoint":"/v1/completions","completion_window":"24h"}
                """
                        .formatted(batchInput());
        String key = "isolation-" + UUID.randomUUID();

        Response own = place("demo", key, order);
        Response foreign = place("guest", key, order);

        assertThat(own.statusCode()).isEqualTo(200);
        assertThat(foreign.statusCode()).isEqualTo(400);
        assertThat(foreign.<String>path("error.code")).isEqualTo("file_not_found");
        as("demo").post("/v1/batches/" + own.path("id") + "/cancel").then().statusCode(200);
    }

    private static Response place(String who, String key, String order) {
        return as(who).contentType("application/json")
                .header("Idempotency-Key", key)
                .body(order)
                .post("/v1/batches");
    }

    @Test
    void anothersFileCannotBeTrainedOnAndAnothersCursorShowsNothing() {
        String file = operations.getFirst().own().replace("/v1/files/", "");
        as("guest")
                .body("{\"model\":\"nano\",\"training_file\":\"%s\"}".formatted(file))
                .post("/v1/fine_tuning/jobs")
                .then()
                .statusCode(400);
        Response page = as("guest").get("/v1/files?after=" + file);
        assertThat(page.<List<String>>path("data.id")).doesNotContain(file);
    }

    /// A key that was good and has been revoked.
    private static String revoked() {
        ApiKey key = ApiKey.parse(Api.key("revoked")).orElseThrow();
        Rows.asOwner(
                "UPDATE api_key SET revoked_at = now() WHERE key_id = '%s'".formatted(key.id()));
        return key.text();
    }

    private static Response send(RequestSpecification request, Operation operation, String path) {
        RequestSpecification ready =
                operation.body().isEmpty()
                        ? request
                        : request.contentType("application/json").body(operation.body());
        return ready.urlEncodingEnabled(false).request(operation.method(), path);
    }

    /// A body without the ids in it.
    private static String shape(Response answer) {
        return answer.asString()
                .replaceAll("(req_|file-|ftjob-|task_|batch_)[0-9a-f]+", "ID")
                .replaceAll("ft:[a-z0-9:]+", "MODEL");
    }
}
