package dev.tunesmith.inference;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasSize;
import static org.hamcrest.Matchers.notNullValue;
import static org.hamcrest.Matchers.nullValue;
import static org.hamcrest.Matchers.startsWith;

import dev.tunesmith.contracts.serving.ServingGrant;
import dev.tunesmith.platform.objects.ObjectStore;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import io.restassured.path.json.JsonPath;
import io.restassured.response.Response;
import io.restassured.response.ValidatableResponse;
import jakarta.inject.Inject;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// What evaluation harnesses ask for (echo, log-probabilities of prompts, several prompts), and
/// functions in chats.
@QuarkusTest
@TestProfile(TestSettings.class)
final class EchoAndToolsTest {
    private static final String TOOL = "{\"type\":\"function\",\"function\":{\"name\":\"w\"}}";
    private static ServingGrant.Weights plain = new ServingGrant.Weights("", "");
    private static ServingGrant.Weights calling = new ServingGrant.Weights("", "");

    private final ObjectStore objects;

    @Inject
    EchoAndToolsTest(ObjectStore objects) {
        this.objects = objects;
    }

    @BeforeEach
    void storeModels() {
        if (plain.manifestKey().isEmpty()) {
            plain = TinyModel.store(objects, TestSettings.folder("model"), "base/echo/1/");
            calling =
                    TinyModel.store(
                            objects,
                            TestSettings.folder("model"),
                            "base/calling/1/",
                            Map.of("chat_template.jinja", TinyModel.CALLING_TEMPLATE));
        }
    }

    /// The request of lm-eval's `local-completions`: the whole text as tokens, nothing of use
    /// drawn, each token's log-probability and whether it was the most probable one.
    @Test
    void measuresAPromptAsEvaluationHarnessesDo() {
        JsonPath answer =
                complete(
                                "\"prompt\":[[5,6,7,8],[9,10]],\"max_tokens\":1,\"logprobs\":1,\"echo\":true,\"temperature\":0,\"seed\":1234")
                        .statusCode(200)
                        .body("choices", hasSize(2))
                        .body("choices[0].logprobs.tokens", hasSize(5))
                        .body("choices[1].logprobs.tokens", hasSize(3))
                        .body("choices[0].logprobs.token_logprobs[0]", nullValue())
                        .body("choices[0].logprobs.top_logprobs[0]", nullValue())
                        .body("choices[0].logprobs.token_logprobs[1]", notNullValue())
                        .body("usage.prompt_tokens", equalTo(6))
                        .body("usage.completion_tokens", equalTo(2))
                        .extract()
                        .jsonPath();
        List<Float> drawn = answer.getList("choices[0].logprobs.token_logprobs", Float.class);
        Map<String, Float> top = answer.getMap("choices[0].logprobs.top_logprobs[4]");
        assertThat(top.values()).contains(drawn.get(4));
        assertThat(answer.getString("choices[0].text"))
                .isEqualTo(
                        String.join(
                                "", answer.getList("choices[0].logprobs.tokens", String.class)));
    }

    /// Reading a prompt at once or token by token must give the same probabilities.
    @Test
    void aPromptIsAsLikelyAsTheSameTokensDrawn() {
        JsonPath drawn =
                complete("\"prompt\":[5,6,7],\"max_tokens\":4,\"logprobs\":0,\"temperature\":0")
                        .statusCode(200)
                        .extract()
                        .jsonPath();
        String text = drawn.getString("choices[0].text");
        JsonPath whole =
                complete(
                                "\"prompt\":[5,6,7],\"max_tokens\":4,\"logprobs\":0,\"temperature\":0,\"echo\":true")
                        .statusCode(200)
                        .extract()
                        .jsonPath();
        assertThat(whole.getString("choices[0].text")).endsWith(text).isNotEqualTo(text);
        List<Float> alone = drawn.getList("choices[0].logprobs.token_logprobs", Float.class);
        List<Float> after = whole.getList("choices[0].logprobs.token_logprobs", Float.class);
        assertThat(after).hasSize(7);
        for (int i = 0; i < 4; i++) {
            assertThat(after.get(3 + i)).isCloseTo(alone.get(i), within(1e-3f));
        }
    }

    @Test
    void echoesWithoutAnswering() {
        complete("\"prompt\":\"hello world\",\"max_tokens\":0,\"echo\":true")
                .statusCode(200)
                .body("choices[0].text", equalTo("hello world"))
                .body("choices[0].logprobs", nullValue())
                .body("usage.completion_tokens", equalTo(0));
        complete("\"prompt\":\"hello world\",\"max_tokens\":0")
                .statusCode(400)
                .body("error.param", equalTo("max_tokens"));
        complete("\"prompt\":\"x\",\"n\":1,\"best_of\":3")
                .statusCode(400)
                .body("error.param", equalTo("best_of"));
    }

    @Test
    void everyChunkHasAUsageWhenTheLastOneCounts() {
        String stream =
                chat(
                                plain,
                                "\"max_tokens\":3,\"stream\":true,\"stream_options\":{\"include_usage\":true}")
                        .asString();
        List<String> chunks =
                stream.lines()
                        .filter(line -> line.startsWith("data: {"))
                        .map(line -> line.substring(6))
                        .toList();
        assertThat(chunks.subList(0, chunks.size() - 1))
                .allMatch(chunk -> chunk.contains("\"usage\":null"));
        assertThat(chunks.getLast()).contains("\"choices\":[]").contains("\"prompt_tokens\"");
        assertThat(chat(plain, "\"max_tokens\":3,\"stream\":true").asString())
                .doesNotContain("\"usage\"")
                .doesNotContain("\"error\"");
    }

    @Test
    void functionsReachTheTemplateThatHasAPlaceForThem() {
        int without = chat(calling, "\"max_tokens\":2").path("usage.prompt_tokens");
        int with =
                chat(calling, "\"max_tokens\":2,\"tools\":[" + TOOL + "],\"tool_choice\":\"auto\"")
                        .then()
                        .statusCode(200)
                        .body("choices[0].message.role", equalTo("assistant"))
                        .extract()
                        .path("usage.prompt_tokens");
        int forbidden =
                chat(calling, "\"max_tokens\":2,\"tools\":[" + TOOL + "],\"tool_choice\":\"none\"")
                        .path("usage.prompt_tokens");

        assertThat(with).isGreaterThan(without + 20);
        assertThat(forbidden).isEqualTo(without);
    }

    @Test
    void functionsAreRefusedWhereNobodyKnowsTheirForm() {
        chat(plain, "\"max_tokens\":2,\"tools\":[" + TOOL + "]")
                .then()
                .statusCode(400)
                .body("error.code", equalTo("unsupported_parameter"))
                .body("error.param", equalTo("tools"))
                .body("error.message", startsWith("The chat template of this model"));
        chat(calling, "\"tools\":[{\"type\":\"custom\"}],\"tool_choice\":\"required\"")
                .then()
                .statusCode(400)
                .body("error.message", containsString("tools[0]"))
                .body("error.message", containsString("tool_choice"));
    }

    @Test
    void aFormatOfAnswersIsRefusedWithTheReason() {
        chat(plain, "\"response_format\":{\"type\":\"json_object\"}")
                .then()
                .statusCode(400)
                .body("error.code", equalTo("unsupported_parameter"))
                .body("error.param", equalTo("response_format"))
                .body("error.message", containsString("not constrained to JSON"));
        chat(plain, "\"max_completion_tokens\":3,\"response_format\":{\"type\":\"text\"}")
                .then()
                .statusCode(200)
                .body("choices[0].finish_reason", notNullValue());
    }

    private static ValidatableResponse complete(String options) {
        return given().contentType("application/json")
                .header(ServingGrant.HEADER, TinyModel.grant(plain))
                .body("{\"model\":\"tiny\"," + options + "}")
                .post("/v1/completions")
                .then();
    }

    private static Response chat(ServingGrant.Weights weights, String options) {
        return given().contentType("application/json")
                .header(ServingGrant.HEADER, TinyModel.grant(weights))
                .body(
                        "{\"model\":\"tiny\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}],"
                                + options
                                + "}")
                .post("/v1/chat/completions");
    }
}
