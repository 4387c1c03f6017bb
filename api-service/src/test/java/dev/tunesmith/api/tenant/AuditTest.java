package dev.tunesmith.api.tenant;

import static dev.tunesmith.api.testing.Api.as;
import static dev.tunesmith.api.testing.Api.upload;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.api.testing.Api;
import dev.tunesmith.api.testing.ApiTestResource;
import dev.tunesmith.api.testing.Rows;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.Response;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/// What a client changes can be traced to its key, its request and its address.
@QuarkusTest
@WithTestResource(ApiTestResource.class)
class AuditTest {
    @Test
    void everyCallThatChangesSomethingIsRecorded() {
        Rows.baseModel("nano");
        Response file = upload("guest", "train.jsonl", Rows.CHAT);
        Response job =
                as("guest")
                        .body(
                                "{\"model\":\"nano\",\"training_file\":\"%s\"}"
                                        .formatted(file.<String>path("id")))
                        .post("/v1/fine_tuning/jobs");
        String id = job.path("id");
        Response pause = as("guest").post("/v1/fine_tuning/jobs/{id}/pause", id);
        Response resume = as("guest").post("/v1/fine_tuning/jobs/{id}/resume", id);
        Response cancel = as("guest").post("/v1/fine_tuning/jobs/{id}/cancel", id);
        as("guest").get("/v1/fine_tuning/jobs/{id}", id).then().statusCode(200);

        for (Call call :
                List.of(
                        new Call("file.created", file),
                        new Call("job.created", job),
                        new Call("job.pause", pause),
                        new Call("job.resume", resume),
                        new Call("job.cancel", cancel))) {
            assertThat(recorded(call.answer().header("x-request-id")))
                    .as(call.action())
                    .hasSize(1)
                    .first()
                    .asString()
                    .startsWith(call.action() + " key:")
                    .endsWith(" 127.0.0.1");
        }
        assertThat(fault()).isEmpty();
    }

    private record Call(String action, Response answer) {}

    private static List<String> recorded(String request) {
        return Api.scheduler()
                .inTransaction(
                        "test",
                        handle ->
                                handle.createQuery(
                                                """
                                                SELECT action || ' ' || actor || ' ' || (detail ->> 'ip') FROM audit_log
                                                WHERE tenant_id = :tenant AND detail ->> 'request' = :request
                                                ORDER BY seq
                                                """)
                                        .bind("tenant", Api.tenant("guest").value())
                                        .bind("request", request)
                                        .mapTo(String.class)
                                        .list());
    }

    private static Optional<Long> fault() {
        return Api.scheduler()
                .inTransaction(
                        "test",
                        handle ->
                                handle.createQuery("SELECT audit_fault(:tenant)")
                                        .bind("tenant", Api.tenant("guest").value())
                                        .mapTo(Long.class)
                                        .findOne());
    }
}
