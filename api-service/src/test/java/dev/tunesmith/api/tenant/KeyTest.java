package dev.tunesmith.api.tenant;

import static dev.tunesmith.api.testing.Api.as;
import static io.restassured.RestAssured.given;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasKey;
import static org.hamcrest.Matchers.startsWith;

import dev.tunesmith.api.testing.ApiTestResource;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("servers")
@QuarkusTest
@WithTestResource(ApiTestResource.class)
class KeyTest {
    @ParameterizedTest
    @ValueSource(
            strings = {"/v1/models", "/v1/files", "/v1/nowhere", "/openapi", "/", "/api/v1/jobs/x"})
    void everyPathWantsAKey(String path) {
        given().get(path)
                .then()
                .statusCode(401)
                .header("x-request-id", startsWith("req_"))
                .header("www-authenticate", "Bearer");
    }

    @Test
    void saysTheSameToAWrongAndToAnUnknownKey() {
        for (String wrong : new String[] {"Bearer nonsense", "Bearer " + key(), "Basic abc", ""}) {
            given().header("Authorization", wrong)
                    .get("/v1/models")
                    .then()
                    .statusCode(401)
                    .contentType("application/json")
                    .body("error.type", equalTo("authentication_error"))
                    .body("error.code", equalTo("invalid_api_key"))
                    .body("error", hasKey("param"));
        }
    }

    @Test
    void anInferenceKeyMayNotTouchFiles() {
        as("inference")
                .get("/v1/files")
                .then()
                .statusCode(403)
                .body("error.type", equalTo("permission_error"));
    }

    @Test
    void answersUnknownPathsInTheDialectOfTheirPrefix() {
        as("demo").get("/v1/nowhere").then().statusCode(404).body("error", hasKey("message"));
        as("demo")
                .get("/api/v1/nowhere")
                .then()
                .statusCode(404)
                .contentType("application/problem+json")
                .body("status", equalTo(404));
        as("demo").delete("/v1/files").then().statusCode(405).body("error", hasKey("message"));
    }

    private static String key() {
        return dev.tunesmith.api.testing.Api.key("unknown");
    }
}
