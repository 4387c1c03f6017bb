package dev.tunesmith.api.grader;

import static dev.tunesmith.api.testing.Api.as;
import static org.hamcrest.Matchers.closeTo;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.nullValue;

import dev.tunesmith.api.testing.ApiTestResource;
import dev.tunesmith.api.testing.Rows;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.Response;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("servers")
@QuarkusTest
@WithTestResource(ApiTestResource.class)
class GraderResourceTest {
    private static final String CHECK =
            """
            {"type":"string_check","name":"holds","operation":"ilike",\
            "input":"{{sample.output_text}}","reference":"{{item.answer}}"}\
            """;

    private static final String ASKS =
            """
            {"type":"score_model","name":"asked","model":"nano","range":[0,10],\
            "input":[{"role":"user","content":"%s {{sample.output_text}}"}]}\
            """;

    @BeforeEach
    void hasAModel() {
        Rows.baseModel("nano");
    }

    @Test
    void scoresAsAJobWould() {
        String multi =
                """
                {"type":"multi","name":"both","graders":{"holds":%s,"near":{"type":"text_similarity",\
                "name":"near","evaluation_metric":"fuzzy_match","input":"{{sample.output_text}}",\
                "reference":"{{item.answer}}"}},"calculate_output":"0.5 * holds + 0.5 * near"}\
                """
                        .formatted(CHECK);

        run(multi, "It is Paris", "{\"answer\":\"paris\"}")
                .then()
                .statusCode(200)
                .body("sub_rewards.holds", equalTo(1.0f))
                .body("metadata.name", equalTo("both"))
                .body("metadata.type", equalTo("multi"))
                .body("metadata.errors.size()", equalTo(14))
                .body("metadata.errors.invalid_variable_error", equalTo(false))
                .body("metadata.sampled_model_name", nullValue());
        run(CHECK, "London", "{\"answer\":\"paris\"}").then().body("reward", equalTo(0.0f));
    }

    @Test
    void aFieldThatTheRowLacksIsSaid() {
        run(CHECK, "Paris", "{}")
                .then()
                .statusCode(200)
                .body("reward", equalTo(0.0f))
                .body("metadata.errors.invalid_variable_error", equalTo(true));
    }

    @Test
    void asksAModel() {
        run(ASKS.formatted("score 7"), "good", "{}")
                .then()
                .statusCode(200)
                .body("reward.toDouble()", closeTo(7, 1e-9))
                .body("metadata.sampled_model_name", equalTo("nano"))
                .body("metadata.token_usage", equalTo(2))
                .body("model_grader_token_usage_per_model.nano.total_tokens", equalTo(2));
        run(ASKS.formatted("too long"), "good", "{}")
                .then()
                .body("reward", equalTo(0.0f))
                .body("metadata.errors.model_grader_server_error", equalTo(true))
                .body(
                        "metadata.errors.model_grader_server_error_details",
                        containsString("too long"));
    }

    @Test
    void validatesAndSaysEverythingThatIsWrong() {
        post("validate", "{\"grader\":%s}".formatted(CHECK))
                .then()
                .statusCode(200)
                .body("grader.operation", equalTo("ilike"));
        post(
                        "validate",
                        """
                        {"grader":{"type":"string_check","name":"x","operation":"equals","input":"a","extra":1}}
                        """)
                .then()
                .statusCode(400)
                .body("x_errors.param", hasItem("grader.operation"))
                .body("x_errors.param", hasItem("grader.reference"))
                .body("x_errors.param", hasItem("grader.extra"));
        post(
                        "validate",
                        "{\"grader\":%s}".formatted(ASKS.formatted("x").replace("nano", "nothing")))
                .then()
                .statusCode(400)
                .body("error.code", equalTo("model_not_found"));
        post("run", "{\"grader\":%s}".formatted(CHECK))
                .then()
                .statusCode(400)
                .body("error.param", equalTo("model_sample"));
        post("validate", "{}").then().statusCode(400).body("error.param", equalTo("grader"));
    }

    private static Response run(String grader, String sample, String item) {
        return post(
                "run",
                "{\"grader\":%s,\"model_sample\":\"%s\",\"item\":%s}"
                        .formatted(grader, sample, item));
    }

    private static Response post(String verb, String body) {
        return as("demo")
                .contentType("application/json")
                .body(body)
                .post("/v1/fine_tuning/alpha/graders/" + verb);
    }
}
