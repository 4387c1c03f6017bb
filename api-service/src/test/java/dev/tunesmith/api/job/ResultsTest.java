package dev.tunesmith.api.job;

import static dev.tunesmith.api.testing.Api.as;
import static dev.tunesmith.api.testing.Api.upload;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.nullValue;

import dev.tunesmith.api.testing.Api;
import dev.tunesmith.api.testing.ApiTestResource;
import dev.tunesmith.api.testing.Rows;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.platform.objects.ObjectStore;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// What a job leaves behind: files of figures, and checkpoints that can be used like models.
@Tag("servers")
@QuarkusTest
@WithTestResource(ApiTestResource.class)
class ResultsTest {
    private static final byte[] TABLE = "step,train_loss\n1,2.5\n".getBytes(UTF_8);

    private static final String SURVEY =
            """
            {"files": [{"name": "training_file", "validation": false,
              "rows": {"format": "chat", "rows": 2, "duplicates": 0, "longest_bytes": 9,
                "problem_count": 0, "problems": [],
                "figures": {"bytes": 9, "findings": {}, "scripts": {}, "languages": {}}},
              "tokens": {"tokens": 9, "trained": 4, "context": 512, "cut_rows": 0, "cut_tokens": 0,
                "length": {"p50": 40, "p90": 41, "p99": 42, "max": 43}}}],
             "findings": 1,
             "estimate": {"epochs": 1.0, "tokens": 9, "trained_tokens": 4, "seconds": 1,
               "time": "measured", "cost": null, "price": "none"}}
            """;

    private final ObjectStore objects;
    private JobId job = new JobId(new java.util.UUID(0, 0));

    @Inject
    ResultsTest(ObjectStore objects) {
        this.objects = objects;
    }

    @BeforeEach
    void aJob() {
        Rows.baseModel("nano");
        String file = upload("demo", "train.jsonl", Rows.CHAT).path("id");
        job =
                JobId.parse(
                        as("demo")
                                .body(
                                        "{\"model\":\"nano\",\"training_file\":\"%s\",\"suffix\":\"faq\"}"
                                                .formatted(file))
                                .post("/v1/fine_tuning/jobs")
                                .path("id"));
    }

    @Test
    void resultFilesAreFilesOfTheTenant() {
        String key = "t/%s/j/%s/result/x/step_metrics.csv".formatted(tenant(), job.value());
        objects.put(key, TABLE);
        Rows.succeeded("demo", job, key, TABLE.length);

        String file =
                as("demo")
                        .get("/v1/fine_tuning/jobs/{id}", job.wire())
                        .then()
                        .body("status", equalTo("succeeded"))
                        .extract()
                        .path("result_files[0]");
        assertThat(as("demo").get("/v1/files/{id}/content", file).asByteArray()).isEqualTo(TABLE);
        as("demo")
                .get("/v1/files?purpose=fine-tune-results")
                .then()
                .body("data.id", hasItem(file))
                .body(
                        "data.find { it.id == '%s' }.filename".formatted(file),
                        equalTo("step_metrics.csv"))
                .body("data.find { it.id == '%s' }.status".formatted(file), equalTo("processed"));
        as("guest").get("/v1/files/{id}/content", file).then().statusCode(404);
    }

    @Test
    void whatWasFoundInTheDataIsShownAndListed() {
        String key = "t/%s/j/%s/findings/x/findings.jsonl".formatted(tenant(), job.value());
        byte[] lines = "{\"file\":\"training_file\",\"line\":3}\n".getBytes(UTF_8);
        objects.put(key, lines);
        as("demo").get("/api/v1/jobs/{id}", job.wire()).then().body("data", nullValue());
        Rows.surveyed("demo", job, SURVEY, key);

        as("demo")
                .get("/api/v1/jobs/{id}", job.wire())
                .then()
                .body("data.findings", equalTo(1))
                .body("data.files[0].tokens.length.p90", equalTo(41))
                .body("data.estimate.price", equalTo("none"));
        assertThat(as("demo").get("/api/v1/jobs/{id}/findings", job.wire()).asByteArray())
                .isEqualTo(lines);
        assertThat(as("guest").get("/api/v1/jobs/{id}/findings", job.wire()).statusCode())
                .isEqualTo(404);
    }

    /// The table is a part of the result, whose manifest is checked whenever the model is loaded.
    @Test
    void deletingAResultFileLeavesTheResultWhole() {
        String key = "t/%s/j/%s/result/x/step_metrics.csv".formatted(tenant(), job.value());
        objects.put(key, TABLE);
        Rows.succeeded("demo", job, key, TABLE.length);
        String file =
                as("demo").get("/v1/fine_tuning/jobs/{id}", job.wire()).path("result_files[0]");

        as("demo").delete("/v1/files/{id}", file).then().statusCode(200);

        as("demo").get("/v1/files/{id}", file).then().statusCode(404);
        assertThat(objects.head(key)).isPresent();
    }

    @Test
    void aCheckpointAnswersUnderTheNameItIsListedWith() {
        Rows.checkpoint("demo", job, 20, "{\"train_loss\":1.5,\"valid_loss\":1.25}");

        String name =
                as("demo")
                        .get("/v1/fine_tuning/jobs/{id}/checkpoints", job.wire())
                        .then()
                        .statusCode(200)
                        .body("data[0].step_number", equalTo(20))
                        .body("data[0].metrics.step", equalTo(20))
                        .body("data[0].metrics.train_loss", equalTo(1.5f))
                        .body("data[0].metrics.full_valid_loss", equalTo(1.25f))
                        .extract()
                        .path("data[0].fine_tuned_model_checkpoint");
        assertThat(name).startsWith("ft:nano:demo:faq:").endsWith(":ckpt-step-20");
        as("demo")
                .get("/v1/models/{name}", name)
                .then()
                .statusCode(200)
                .body("id", equalTo(name))
                .body("x_kind", equalTo("adapter"))
                .body("x_base", equalTo("nano"))
                .body("x_lineage.step", equalTo(20));
        chat("demo", name)
                .then()
                .statusCode(200)
                .body("choices[0].message.content", equalTo("ADAPTER for proj_" + hex()));
        chat("guest", name).then().statusCode(404);
        chat("demo", name.replace("step-20", "step-21")).then().statusCode(404);
        chat("demo", name.replace(":faq:", ":fax:")).then().statusCode(404);
    }

    private static io.restassured.response.Response chat(String who, String model) {
        return as(who).contentType("application/json")
                .body("{\"model\":\"%s\",\"messages\":[]}".formatted(model))
                .post("/v1/chat/completions");
    }

    private static String tenant() {
        return Api.tenant("demo").value().toString();
    }

    private static String hex() {
        return tenant().replace("-", "");
    }
}
