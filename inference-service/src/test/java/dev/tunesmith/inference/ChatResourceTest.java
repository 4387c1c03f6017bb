package dev.tunesmith.inference;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasSize;
import static org.hamcrest.Matchers.lessThanOrEqualTo;
import static org.hamcrest.Matchers.notNullValue;
import static org.hamcrest.Matchers.nullValue;
import static org.hamcrest.Matchers.startsWith;

import dev.tunesmith.contracts.fit.Depth;
import dev.tunesmith.contracts.serving.ServingGrant;
import dev.tunesmith.engine.decode.Batcher;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.loop.subject.RoutedModel;
import dev.tunesmith.platform.objects.ObjectStore;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import io.restassured.RestAssured;
import io.restassured.response.Response;
import io.restassured.response.ValidatableResponse;
import jakarta.inject.Inject;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@QuarkusTest
@TestProfile(TestSettings.class)
final class ChatResourceTest {
    private static ServingGrant.Weights weights = new ServingGrant.Weights("", "");

    private final ObjectStore objects;
    private final Batcher batcher;

    @Inject
    ChatResourceTest(ObjectStore objects, Batcher batcher) {
        this.objects = objects;
        this.batcher = batcher;
    }

    @BeforeEach
    void storeModel() {
        if (weights.manifestKey().isEmpty()) {
            weights = TinyModel.store(objects, TestSettings.folder("model"), "base/tiny/1/");
        }
    }

    @Test
    void answersInTheShapeOfTheWire() {
        chat("\"max_tokens\":8,\"seed\":1")
                .statusCode(200)
                .body("object", equalTo("chat.completion"))
                .body("id", startsWith("chatcmpl-"))
                .body("model", equalTo("tiny"))
                .body("choices", hasSize(1))
                .body("choices[0].message.role", equalTo("assistant"))
                .body("choices[0].message.refusal", nullValue())
                .body("choices[0].finish_reason", notNullValue())
                .body("usage.completion_tokens", lessThanOrEqualTo(8));
    }

    @Test
    void theSameSeedGivesTheSameAnswerAndTheBatchDoesNotMatter() throws Exception {
        String alone = text("\"max_tokens\":24,\"seed\":5,\"temperature\":1");
        List<Callable<String>> tasks = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            int seed = i;
            tasks.add(() -> text("\"max_tokens\":24,\"temperature\":1,\"seed\":" + seed));
        }
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<String>> together = threads.invokeAll(tasks);
            assertThat(together.get(5).get()).isEqualTo(alone);
        }
    }

    @Test
    void aStreamSaysTheSameAsAWholeAnswer() {
        String whole = text("\"max_tokens\":16,\"temperature\":0");
        Response response =
                post(
                        "\"max_tokens\":16,\"temperature\":0,\"stream\":true,\"stream_options\":{\"include_usage\":true}");
        assertThat(response.contentType()).startsWith("text/event-stream");
        List<String> data = events(response.asString());
        assertThat(data.getLast()).isEqualTo("[DONE]");
        assertThat(data.getFirst()).contains("\"role\":\"assistant\"");
        assertThat(data.get(data.size() - 2))
                .contains("\"choices\":[]")
                .contains("\"total_tokens\":");
        assertThat(data.get(data.size() - 3)).contains("\"finish_reason\":\"");
        var joined = new StringBuilder();
        data.stream()
                .filter(line -> line.contains("\"delta\""))
                .map(line ->
                        io.restassured.path.json.JsonPath.from(line)
                                .getString("choices[0].delta.content"))
                .forEach(piece -> joined.append(piece == null ? "" : piece));
        assertThat(joined.toString()).isEqualTo(whole);
    }

    /// Its routers judge each token alone here, prompt and answer alike.
    @Test
    void aModelThatLeavesTokensOutOfLayersAnswersAsAnyOther() throws IOException {
        Path plain = TestSettings.folder("dense");
        TinyModel.write(plain);
        Depth depth = Depth.of(Map.of("mixture_of_depths", "convert", "depth_capacity", 0.5));
        ModelDirectory routed =
                RoutedModel.of(ModelDirectory.open(plain), depth, 1, plain.resolve("with-routers"));
        ServingGrant.Weights stored = TinyModel.publish(objects, routed.path(), "base/routed/1/");
        String request = "\"max_tokens\":12,\"temperature\":0";
        String first = text(stored, request);
        assertThat(first).isNotEmpty().isEqualTo(text(stored, request));
    }

    @Test
    void severalChoicesDiffer() {
        List<String> texts =
                chat("\"n\":3,\"max_tokens\":12,\"seed\":3")
                        .extract()
                        .jsonPath()
                        .getList("choices.message.content");
        assertThat(texts).hasSize(3).doesNotHaveDuplicates();
    }

    @Test
    void aStopStringIsNeverGivenOut() {
        String whole = text("\"max_tokens\":24,\"temperature\":0");
        String stop = whole.substring(6, 9);
        String cut =
                chat("\"max_tokens\":24,\"temperature\":0,\"stop\":"
                                + dev.tunesmith.platform.json.Json.text(stop))
                        .body("choices[0].finish_reason", equalTo("stop"))
                        .extract()
                        .path("choices[0].message.content");
        assertThat(cut).isEqualTo(whole.substring(0, whole.indexOf(stop)));
    }

    @Test
    void reportsLogprobs() {
        chat("\"max_tokens\":4,\"logprobs\":true,\"top_logprobs\":2,\"temperature\":0")
                .body("choices[0].logprobs.content", hasSize(4))
                .body("choices[0].logprobs.content[0].top_logprobs", hasSize(2))
                .body("choices[0].logprobs.content[0].logprob", lessThanOrEqualTo(0f));
    }

    @Test
    void completesPlainTextAndTokens() {
        String body =
                "{\"model\":\"tiny\",\"prompt\":%s,\"max_tokens\":5,\"temperature\":0,\"logprobs\":1}";
        String fromText = completion(body.formatted("\"hello world\"")).path("choices[0].text");
        assertThat(fromText).isNotEmpty();
        completion(body.formatted("[1,2,3]"))
                .then()
                .statusCode(200)
                .body("usage.prompt_tokens", equalTo(3))
                .body("choices[0].logprobs.tokens", hasSize(5));
        completion(body.formatted("[1,2,99999]"))
                .then()
                .statusCode(400)
                .body("error.param", equalTo("prompt"));
    }

    @Test
    void namesEveryWrongParameterAtOnce() {
        chat("\"temperature\":3,\"max_tokens\":0,\"temprature\":1,\"audio\":{},\"stop\":[1]")
                .statusCode(400)
                .body("error.type", equalTo("invalid_request_error"))
                .body(
                        "error.message",
                        containsString("temperature: expected a number from 0 to 2, found 3"))
                .body("error.message", containsString("max_tokens"))
                .body("error.message", containsString("temprature"))
                .body("error.message", containsString("did you mean temperature?"))
                .body("error.message", containsString("audio"))
                .body("error.message", containsString("stop"));
    }

    @Test
    void refusesWhatIsLongerThanTheContext() {
        chat("\"max_tokens\":1000")
                .statusCode(400)
                .body("error.code", equalTo("context_length_exceeded"))
                .body("error.message", containsString("128"));
    }

    @Test
    void servesNobodyWithoutAValidGrant() {
        String body = body("\"max_tokens\":1");
        given().contentType("application/json")
                .body(body)
                .post("/v1/chat/completions")
                .then()
                .statusCode(401);
        String old = TinyModel.grant(weights, Instant.now().minusSeconds(1));
        given().contentType("application/json")
                .header(ServingGrant.HEADER, old)
                .body(body)
                .post("/v1/chat/completions")
                .then()
                .statusCode(401);
        String forged = TinyModel.grant(weights).replaceFirst("^.", "A");
        given().contentType("application/json")
                .header(ServingGrant.HEADER, forged)
                .body(body)
                .post("/v1/chat/completions")
                .then()
                .statusCode(401);
    }

    @Test
    void saysWhenAModelCannotBeServed() {
        var wrong = new ServingGrant.Weights(weights.manifestKey(), "0".repeat(64));
        given().contentType("application/json")
                .header(ServingGrant.HEADER, TinyModel.grant(wrong))
                .body(body("\"max_tokens\":1"))
                .post("/v1/chat/completions")
                .then()
                .statusCode(503)
                .body("error.code", equalTo("model_unavailable"))
                .body("error.message", containsString("not the one that was published"));
    }

    @Test
    void aBodyThatIsNoJsonIsSaidToBe() {
        given().contentType("application/json")
                .header(ServingGrant.HEADER, TinyModel.grant(weights))
                .body("{\"model\":")
                .post("/v1/chat/completions")
                .then()
                .statusCode(400)
                .body("error.code", equalTo("invalid_json"));
    }

    @Test
    void aClientThatLeavesEndsItsGeneration() throws Exception {
        String body = body("\"max_tokens\":100,\"stream\":true,\"logit_bias\":{\"1\":-100}");
        for (int i = 0; i < 3; i++) {
            try (var socket = new Socket(InetAddress.getLoopbackAddress(), RestAssured.port)) {
                send(socket.getOutputStream(), body);
                assertThat(socket.getInputStream().read()).isPositive();
            }
        }
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (batcher.running() > 0 && System.nanoTime() < deadline) {
            TimeUnit.MILLISECONDS.sleep(10);
        }
        assertThat(batcher.running()).isZero();
    }

    private static void send(OutputStream out, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        String head =
                "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n%s: %s\r\nContent-Length: %d\r\n\r\n"
                        .formatted(ServingGrant.HEADER, TinyModel.grant(weights), bytes.length);
        out.write(head.getBytes(StandardCharsets.UTF_8));
        out.write(bytes);
        out.flush();
    }

    private static Response completion(String body) {
        return given().contentType("application/json")
                .header(ServingGrant.HEADER, TinyModel.grant(weights))
                .body(body)
                .post("/v1/completions");
    }

    private static String text(String options) {
        return chat(options).statusCode(200).extract().path("choices[0].message.content");
    }

    private static ValidatableResponse chat(String options) {
        return post(options).then();
    }

    private static String text(ServingGrant.Weights model, String options) {
        return post(model, options)
                .then()
                .statusCode(200)
                .extract()
                .path("choices[0].message.content");
    }

    private static Response post(String options) {
        return post(weights, options);
    }

    private static Response post(ServingGrant.Weights model, String options) {
        return given().contentType("application/json")
                .header(ServingGrant.HEADER, TinyModel.grant(model))
                .body(body(options))
                .post("/v1/chat/completions");
    }

    private static String body(String options) {
        return "{\"model\":\"tiny\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}],"
                + options
                + "}";
    }

    private static List<String> events(String stream) {
        return stream.lines()
                .filter(line -> line.startsWith("data: "))
                .map(line -> line.substring(6))
                .toList();
    }
}
