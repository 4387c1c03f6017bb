package dev.tunesmith.api.chat;

import static dev.tunesmith.api.testing.Api.as;
import static io.restassured.RestAssured.given;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;

import dev.tunesmith.api.testing.Api;
import dev.tunesmith.api.testing.ApiTestResource;
import dev.tunesmith.api.testing.Rows;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;
import io.restassured.response.Response;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("servers")
@QuarkusTest
@WithTestResource(ApiTestResource.class)
class CompletionResourceTest {
    @BeforeEach
    void hasAModel() {
        Rows.baseModel("nano");
    }

    @Test
    void handsTheAnswerThroughUnderTheCallersTenant() {
        chat("demo", "hello", false)
                .then()
                .statusCode(200)
                .body("model", equalTo("nano"))
                .body(
                        "choices[0].message.content",
                        equalTo("BASE for " + Api.tenant("demo").wire()));
        chat("inference", "hello", false).then().statusCode(200);
    }

    @Test
    void handsErrorsThroughUnchanged() {
        chat("demo", "too long", false)
                .then()
                .statusCode(400)
                .body("error.code", equalTo("context_length_exceeded"));
    }

    @Test
    void namesNearModelsForAnUnknownOne() {
        as("demo")
                .body("{\"model\":\"nanp\",\"messages\":[]}")
                .post("/v1/chat/completions")
                .then()
                .statusCode(404)
                .body("error.code", equalTo("model_not_found"))
                .body("error.message", containsString("nano"));
        as("demo").body("{}").post("/v1/completions").then().statusCode(400);
    }

    @Test
    void streamsChunkByChunkToTheEnd() {
        String body = chat("demo", "hello", true).then().statusCode(200).extract().asString();

        assertThat(body).contains("word0", "word1", "word2").endsWith("data: [DONE]\n\n");
    }

    @Test
    void aStreamThatBreaksEndsWithAnErrorEventAndWithoutDone() {
        String body = chat("demo", "break", true).then().extract().asString();

        assertThat(body).contains("word1").contains("\"error\":{").doesNotContain("[DONE]");
    }

    @Test
    void aClientThatLeavesEndsTheUpstreamStream() throws Exception {
        int before = cancelled();
        leaveAfter("endless", true, "word1");

        awaitCancelled(before + 1);
    }

    @Test
    void aClientThatLeavesBeforeTheAnswerEndsTheUpstreamCall() throws Exception {
        int before = cancelled();
        leaveAfter("silent", false, "");

        awaitCancelled(before + 1);
    }

    private static Response chat(String who, String word, boolean stream) {
        return as(who).contentType("application/json")
                .body(body(word, stream))
                .post("/v1/chat/completions");
    }

    private static String body(String word, boolean stream) {
        return """
        {"model":"nano","messages":[{"role":"user","content":"%s"}],"stream":%s}\
        """
                .formatted(word, stream);
    }

    /// Sends a request over a socket of its own and closes it once the answer has a word.
    private static void leaveAfter(String word, boolean stream, String awaited) throws Exception {
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), RestAssured.port)) {
            String body = body(word, stream);
            List<String> head = new ArrayList<>();
            head.add("POST /v1/chat/completions HTTP/1.1");
            head.add("Host: localhost");
            head.add("Authorization: Bearer " + Api.key("demo"));
            head.add("Content-Type: application/json");
            head.add("Content-Length: " + body.length());
            String request = String.join("\r\n", head) + "\r\n\r\n" + body;
            socket.getOutputStream().write(request.getBytes(UTF_8));
            if (awaited.isEmpty()) {
                Thread.sleep(500);
                return;
            }
            var answer = new BufferedReader(new InputStreamReader(socket.getInputStream(), UTF_8));
            String line = answer.readLine();
            while (line != null && !line.contains(awaited)) {
                line = answer.readLine();
            }
            assertThat(line).contains(awaited);
        }
    }

    private static int cancelled() {
        String inference = Api.setting("tunesmith.inference.url");
        return Integer.parseInt(given().get(inference + "/cancelled").asString());
    }

    private static void awaitCancelled(int expected) throws InterruptedException {
        for (int i = 0; i < 100 && cancelled() < expected; i++) {
            Thread.sleep(50);
        }
        assertThat(cancelled()).isGreaterThanOrEqualTo(expected);
    }
}
