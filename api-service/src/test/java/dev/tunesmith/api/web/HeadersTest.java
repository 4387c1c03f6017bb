package dev.tunesmith.api.web;

import static dev.tunesmith.api.testing.Api.as;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.matchesPattern;
import static org.hamcrest.Matchers.notNullValue;
import static org.hamcrest.Matchers.nullValue;
import static org.hamcrest.Matchers.startsWith;

import dev.tunesmith.api.testing.Api;
import dev.tunesmith.api.testing.ApiTestResource;
import dev.tunesmith.api.testing.Rows;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import io.restassured.response.Response;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/// The headers that clients steer by, under limits small enough to reach.
@QuarkusTest
@TestProfile(HeadersTest.SmallLimits.class)
@WithTestResource(ApiTestResource.class)
@TestMethodOrder(org.junit.jupiter.api.MethodOrderer.MethodName.class)
class HeadersTest {
    private static final int REQUESTS = 12;

    /// Few requests and few tokens.
    public static final class SmallLimits implements QuarkusTestProfile {
        @Override
        public Map<String, String> getConfigOverrides() {
            return Map.of(
                    "tunesmith.limits.requests-per-minute",
                    Integer.toString(REQUESTS),
                    "tunesmith.limits.tokens-per-minute",
                    "1000");
        }
    }

    @Test
    void everyAnswerNamesRequestVersionTimeAndLimits() {
        Rows.baseModel("nano");
        for (Response answer :
                new Response[] {
                    as("demo").get("/v1/models"), as("demo").get("/v1/files/file-x"), chat(100)
                }) {
            answer.then()
                    .header("x-request-id", startsWith("req_"))
                    .header("openai-version", equalTo("2020-10-01"))
                    .header("openai-processing-ms", matchesPattern("[0-9]+"))
                    .header("openai-organization", startsWith("org-"))
                    .header("openai-project", equalTo(Api.tenant("demo").wire()))
                    .header("x-ratelimit-limit-requests", equalTo(Integer.toString(REQUESTS)))
                    .header("x-ratelimit-remaining-requests", matchesPattern("[0-9]+"))
                    .header("x-ratelimit-reset-requests", matchesPattern("[0-9ms]+"));
        }
        Response answer = chat(100);
        answer.then()
                .statusCode(200)
                .header("x-ratelimit-limit-tokens", equalTo("1000"))
                .header("x-ratelimit-reset-tokens", notNullValue());
        assertThat(Integer.parseInt(answer.header("x-ratelimit-remaining-tokens")))
                .isBetween(600, 880);
    }

    @Test
    void forAnotherProjectOrOrganizationThereIsNothingHere() {
        as("demo")
                .header("OpenAI-Project", Api.tenant("guest").wire())
                .get("/v1/models")
                .then()
                .statusCode(404);
        as("demo")
                .header("OpenAI-Organization", "org-somebody")
                .get("/v1/models")
                .then()
                .statusCode(404)
                .body("error.message", startsWith("No such organization"));
        as("demo")
                .header("OpenAI-Project", Api.tenant("demo").wire())
                .get("/v1/models")
                .then()
                .statusCode(200);
    }

    @Test
    void tokensBeyondTheMinuteAreRefusedWithTheTimeToWait() {
        chat(900);

        chat(900)
                .then()
                .statusCode(429)
                .header("retry-after", matchesPattern("[0-9]{1,2}"))
                .header("retry-after-ms", matchesPattern("[0-9]{1,5}"))
                .body("error.type", equalTo("rate_limit_error"))
                .body("error.code", equalTo("rate_limit_exceeded"));
    }

    /// Runs last: after it nothing of the minute is left. Another tenant does not notice.
    @Test
    void usedUpRequestsAreRefusedWithTheTimeToWait() {
        Response last = as("demo").get("/v1/models");
        for (int i = 0; i < REQUESTS; i++) {
            last = as("demo").get("/v1/models");
        }

        last.then()
                .statusCode(429)
                .header("x-request-id", startsWith("req_"))
                .header("x-ratelimit-remaining-requests", equalTo("0"))
                .header("retry-after", matchesPattern("[0-9]{1,2}"))
                .body("error.type", equalTo("rate_limit_error"));
        as("guest").get("/v1/models").then().statusCode(200).header("retry-after", nullValue());
    }

    private static Response chat(int longest) {
        return as("demo")
                .contentType("application/json")
                .body(
                        "{\"model\":\"nano\",\"messages\":[],\"max_completion_tokens\":%d}"
                                .formatted(longest))
                .post("/v1/chat/completions");
    }
}
