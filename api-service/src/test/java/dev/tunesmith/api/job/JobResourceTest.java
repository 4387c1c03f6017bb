package dev.tunesmith.api.job;

import static dev.tunesmith.api.testing.Api.as;
import static dev.tunesmith.api.testing.Api.upload;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.hasKey;
import static org.hamcrest.Matchers.hasSize;
import static org.hamcrest.Matchers.nullValue;
import static org.hamcrest.Matchers.startsWith;

import dev.tunesmith.api.testing.Api;
import dev.tunesmith.api.testing.ApiTestResource;
import dev.tunesmith.api.testing.Rows;
import dev.tunesmith.contracts.id.JobId;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.Response;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Tag("servers")
@QuarkusTest
@WithTestResource(ApiTestResource.class)
class JobResourceTest {
    private static final List<String> REQUIRED =
            List.of(
                    "id",
                    "object",
                    "created_at",
                    "finished_at",
                    "model",
                    "fine_tuned_model",
                    "organization_id",
                    "status",
                    "training_file",
                    "validation_file",
                    "result_files",
                    "trained_tokens",
                    "seed",
                    "hyperparameters",
                    "error",
                    "integrations",
                    "method",
                    "metadata",
                    "estimated_finish",
                    "x_training",
                    "x_progress");
    private String file = "";

    @BeforeEach
    void uploads() {
        Rows.baseModel("nano");
        file = upload("demo", "train.jsonl", Rows.CHAT).path("id");
    }

    @Test
    void answersWithTheWholeObject() {
        Response created =
                create(
                        """
                        {"model":"nano","training_file":"%s","suffix":"faq","seed":7,
                         "method":{"type":"supervised","supervised":{"hyperparameters":{"n_epochs":3}}},
                         "metadata":{"team":"search"},
                         "x_training":{"adapter":"lora","rank":8}}
                        """);

        created.then()
                .statusCode(200)
                .header("x-request-id", startsWith("req_"))
                .header("openai-organization", startsWith("org-"))
                .header("openai-version", equalTo("2020-10-01"));
        Map<String, Object> job = created.jsonPath().getMap("$");
        assertThat(job).containsKeys(REQUIRED.toArray(String[]::new));
        assertThat(job)
                .containsEntry("status", "validating_files")
                .containsEntry("object", "fine_tuning.job")
                .containsEntry("training_file", file)
                .containsEntry("seed", 7)
                .containsEntry("metadata", Map.of("team", "search"))
                .containsEntry("error", null);
        created.then()
                .body("hyperparameters.n_epochs", equalTo(3))
                .body("hyperparameters.batch_size", equalTo("auto"))
                .body("method.supervised.hyperparameters.n_epochs", equalTo(3))
                .body("x_training.rank", equalTo(8))
                .body("x_progress.phase", equalTo("validating"));
        String id = created.path("id");
        assertThat(as("demo").get("/v1/fine_tuning/jobs/{id}", id).jsonPath().getMap("$"))
                .isEqualTo(job);
    }

    /// A model of another tenant is as if it were not there, whatever it is to the job.
    @Test
    void theModelsOfAnotherTenantAreNoReferencesAndNoTeachers() {
        String theirs = "ft:nano:guest:ref:12345678";
        String own = "ft:nano:demo:ref:12345678";
        Rows.tunedModel("guest", theirs, "nano");
        Rows.tunedModel("demo", own, "nano");
        String job =
                """
                {"model":"nano","training_file":"%%s","method":{"type":"%s"},"x_training":{"%s":"%s","dry_run":true}}
                """;
        for (String[] role : new String[][] {{"dpo", "reference"}, {"distill", "teacher"}}) {
            create(job.formatted(role[0], role[1], theirs))
                    .then()
                    .statusCode(400)
                    .body("x_errors.param", hasItem("x_training." + role[1]))
                    .body("x_errors.code", hasItem("model_not_found"));
            create(job.formatted(role[0], role[1], own)).then().statusCode(200);
        }
    }

    @Test
    void layersThatFewTokensPassCanBeAskedFor() {
        String asked =
                """
                {"model":"nano","training_file":"%%s","method":{"type":"%s"},
                 "x_training":{"adapter":"%s","mixture_of_depths":"convert","depth_capacity":0.25,"dry_run":true}}
                """;
        create(asked.formatted("supervised", "none"))
                .then()
                .statusCode(200)
                .body("x_training.mixture_of_depths", equalTo("convert"));
        create(asked.formatted("dpo", "none"))
                .then()
                .statusCode(400)
                .body("x_errors.param", hasItem("x_training.mixture_of_depths"));
        create(asked.formatted("supervised", "lora"))
                .then()
                .statusCode(400)
                .body("x_errors.param", hasItem("x_training.mixture_of_depths"));
    }

    @Test
    void namesEverythingThatIsWrongAtOnce() {
        create(
                        """
                        {"model":"nanno","training_file":"%s","status":"running",
                         "x_training":{"rank":0,"learning_rate":-1,"adaptor":"lora"}}
                        """)
                .then()
                .statusCode(400)
                .body("error.type", equalTo("invalid_request_error"))
                .body("x_errors.param", hasItem("model"))
                .body("x_errors.param", hasItem("x_training.rank"))
                .body("x_errors.param", hasItem("x_training.learning_rate"))
                .body("x_errors.param", hasItem("x_training.adaptor"))
                .body("x_errors.param", hasItem("status"))
                .body("x_errors.find { it.param == 'model' }.message", containsString("nano"))
                .body(
                        "x_errors.find { it.param == 'x_training.adaptor' }.message",
                        containsString("adapter"));
    }

    @Test
    void refusesBodiesThatAreNoJson() {
        create("{\"model\":").then().statusCode(400).body("error.code", equalTo("invalid_json"));
        create("").then().statusCode(400);
        create("[]").then().statusCode(400);
        create("{\"model\":\"a\",\"model\":\"b\"}").then().statusCode(400);
        create("{\"x\":\"" + "a".repeat(70_000) + "\"}").then().statusCode(413);
    }

    @Test
    void aRepeatedKeyGivesTheFirstJobAndAnotherBodyIsRefused() {
        String key = UUID.randomUUID().toString();
        Response first = withKey(key, simple());
        Response second = withKey(key, simple());

        second.then().statusCode(200).header("idempotent-replayed", "true");
        assertThat(second.jsonPath().getMap("$")).isEqualTo(first.jsonPath().getMap("$"));
        withKey(key, simple().replace("}", ",\"seed\":1}"))
                .then()
                .statusCode(422)
                .body("error.code", equalTo("idempotency_mismatch"));
        withKey("k".repeat(256), simple()).then().statusCode(400);
    }

    @Test
    void twinsWithOneKeyMakeOneJob() throws Exception {
        String key = UUID.randomUUID().toString();
        List<Callable<Response>> twins = Collections.nCopies(8, () -> withKey(key, simple()));
        Set<String> jobs = new HashSet<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (Future<Response> twin : threads.invokeAll(twins)) {
                jobs.add(twin.get().then().statusCode(200).extract().path("id"));
            }
        }

        assertThat(jobs).hasSize(1);
    }

    @Test
    void aRefusedRequestLeavesItsKeyFree() {
        String key = UUID.randomUUID().toString();
        withKey(key, "{\"model\":\"nano\"}").then().statusCode(400);

        withKey(key, simple()).then().statusCode(200);
    }

    @Test
    void aBlindRetryOfAnSdkGivesTheFirstJob() {
        String body = simple().replace("}", ",\"seed\":99}");
        String first = post(body, Map.of("x-stainless-retry-count", "0")).path("id");
        String retry = post(body, Map.of("x-stainless-retry-count", "1")).path("id");
        String another = post(body, Map.of()).path("id");

        assertThat(retry).isEqualTo(first);
        assertThat(another).isNotEqualTo(first);
    }

    @Test
    void aClientJobIdIsUniqueInItsTenant() {
        String name = UUID.randomUUID().toString();
        String body =
                simple().replace(
                                "}", ",\"x_training\":{\"client_job_id\":\"%s\"}}".formatted(name));
        String first = post(body, Map.of()).path("id");

        assertThat(post(body, Map.of()).<String>path("id")).isEqualTo(first);
        post(body.replace("{\"model", "{\"seed\":5,\"model"), Map.of())
                .then()
                .statusCode(400)
                .body("error.param", equalTo("x_training.client_job_id"));
    }

    @Test
    void aDryRunStoresNothing() {
        create("{\"model\":\"nano\",\"training_file\":\"%s\",\"x_training\":{\"dry_run\":true}}")
                .then()
                .statusCode(200)
                .body("id", equalTo("ftjob-dryrun"));
        as("demo").get("/v1/fine_tuning/jobs/ftjob-dryrun").then().statusCode(404);
    }

    /// PostgreSQL takes neither, wherever in a body they stand.
    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '~',
            textBlock =
                    """
                    "metadata": {"team": "a\\u0000b"}                        ; metadata.team
                    "metadata": {"te\\ud800am": "a"}                        ; metadata.te?am
                    "suffix": "a\\u0000"                                    ; suffix
                    "x_training": {"order_column": "\\u0000"}               ; x_training.order_column
                    "x_training": {"data": [{"dataset": "\\u0000"}]}        ; x_training.data.0.dataset
                    "integrations": [{"type": "wandb", "wandb": {"project": "\\udc00"}}] ; integrations.0.wandb.project
                    """)
    void textsThatNoTableTakesAreNamedByTheirPath(String keys, String param) {
        List<String> params =
                create("{\"model\":\"nano\",%s}".formatted(keys))
                        .then()
                        .statusCode(400)
                        .body("error.message", containsString("cannot be stored"))
                        .extract()
                        .path("x_errors.param");
        assertThat(params).singleElement().asString().matches(param.replace("?", "."));
    }

    @Test
    void metadataThatNoJobHasIsRefusedInAList() {
        as("demo")
                .queryParam("metadata[team]", "a\u0000")
                .get("/v1/fine_tuning/jobs")
                .then()
                .statusCode(400)
                .body("error.param", equalTo("metadata"));
    }

    @Test
    void pagesThroughAllJobsAndEndsWithAnEmptyPage() {
        for (int i = 0; i < 3; i++) {
            create("{\"model\":\"nano\",\"training_file\":\"%s\",\"metadata\":{\"page\":\"yes\"}}")
                    .then()
                    .statusCode(200);
        }
        String after = "";
        int seen = 0;
        Response page;
        do {
            page =
                    as("demo")
                            .queryParam("metadata[page]", "yes")
                            .queryParam("limit", 2)
                            .queryParam(after.isEmpty() ? "ignored" : "after", after)
                            .get("/v1/fine_tuning/jobs");
            List<String> ids = page.path("data.id");
            seen += ids.size();
            after = ids.isEmpty() ? after : ids.getLast();
        } while (!page.<List<String>>path("data.id").isEmpty());

        assertThat(seen).isGreaterThanOrEqualTo(3);
        page.then().statusCode(200).body("has_more", equalTo(false)).body("data", hasSize(0));
        as("demo").get("/v1/fine_tuning/jobs?limit=0").then().statusCode(400);
    }

    @Test
    void aWishIsWrittenAndTheStateStaysUntilTheSchedulerActs() {
        String id = post(simple(), Map.of()).path("id");

        as("demo")
                .post("/v1/fine_tuning/jobs/{id}/pause", id)
                .then()
                .statusCode(200)
                .body("status", equalTo("validating_files"));
        as("demo").get("/api/v1/jobs/{id}", id).then().body("desired", equalTo("pause"));
        as("demo").post("/v1/fine_tuning/jobs/{id}/resume", id).then().statusCode(200);
        as("demo").post("/v1/fine_tuning/jobs/{id}/cancel", id).then().statusCode(200);
        as("demo").post("/v1/fine_tuning/jobs/{id}/cancel", id).then().statusCode(200);
        as("demo")
                .post("/v1/fine_tuning/jobs/{id}/resume", id)
                .then()
                .statusCode(400)
                .body("error.code", equalTo("job_terminal"));
        as("demo").get("/api/v1/jobs/{id}", id).then().body("desired", equalTo("cancel"));
    }

    @Test
    void anEndedJobShowsWhyAndTakesNoWish() {
        String id = post(simple(), Map.of()).path("id");
        Api.scheduler()
                .useTransaction(
                        "test",
                        handle ->
                                handle.execute(
                                        """
                                        UPDATE job SET state = 'FAILED', error_code = 'diverged',
                                          error_message = 'the loss is not finite', finished_at = now()
                                        WHERE job_id = ?
                                        """,
                                        JobId.parse(id).value()));

        as("demo")
                .get("/v1/fine_tuning/jobs/{id}", id)
                .then()
                .body("status", equalTo("failed"))
                .body("error.code", equalTo("diverged"))
                .body("error", hasKey("param"))
                .body("error.param", nullValue());
        as("demo")
                .post("/v1/fine_tuning/jobs/{id}/cancel", id)
                .then()
                .statusCode(400)
                .body("error.code", equalTo("job_terminal"));
    }

    private String simple() {
        return "{\"model\":\"nano\",\"training_file\":\"%s\"}".formatted(file);
    }

    private Response create(String template) {
        return post(template.replace("%s", file), Map.of());
    }

    private static Response withKey(String key, String body) {
        return post(body, Map.of("Idempotency-Key", key));
    }

    private static Response post(String body, Map<String, String> headers) {
        return as("demo")
                .headers(headers)
                .contentType("application/json")
                .body(body.getBytes(UTF_8))
                .post("/v1/fine_tuning/jobs");
    }
}
