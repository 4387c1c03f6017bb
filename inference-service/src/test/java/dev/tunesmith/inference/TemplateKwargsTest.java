package dev.tunesmith.inference;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;

import dev.tunesmith.contracts.serving.ServingGrant;
import dev.tunesmith.platform.objects.ObjectStore;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import io.restassured.response.Response;
import jakarta.inject.Inject;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Variables of the chat template in a request, and texts that may name control tokens.
@QuarkusTest
@TestProfile(TestSettings.class)
final class TemplateKwargsTest {

    /// Templates of models that think, as Qwen3 has them: one character more for each thing.
    private static final String THINKING =
            """
            {%- for message in messages -%}{{ message.content }}{%- endfor -%}
            {%- if enable_thinking is defined and enable_thinking is false -%}{{ '#' }}{%- endif -%}
            {%- if reasoning_effort == 'high' -%}{{ '##' }}{%- endif -%}
            {%- if extra -%}{{ extra }}{%- endif -%}
            """;

    private static ServingGrant.Weights thinking = new ServingGrant.Weights("", "");
    private static ServingGrant.Weights quiet = new ServingGrant.Weights("", "");

    private final ObjectStore objects;

    @Inject
    TemplateKwargsTest(ObjectStore objects) {
        this.objects = objects;
    }

    @BeforeEach
    void storeModels() {
        if (thinking.manifestKey().isEmpty()) {
            thinking =
                    TinyModel.store(
                            objects,
                            TestSettings.folder("thinking"),
                            "base/thinking/1/",
                            Map.of("chat_template.jinja", THINKING));
            quiet =
                    TinyModel.store(
                            objects,
                            TestSettings.folder("quiet"),
                            "base/quiet/1/",
                            Map.of(
                                    "chat_template.jinja",
                                    THINKING,
                                    "chat_template_kwargs.json",
                                    "{\"enable_thinking\":false}"));
        }
    }

    @Test
    void aVariableReachesTheTemplate() {
        int plain = length(thinking, "");
        assertThat(length(thinking, ",\"chat_template_kwargs\":{\"enable_thinking\":false}"))
                .isEqualTo(plain + 1);
        assertThat(length(thinking, ",\"chat_template_kwargs\":{\"enable_thinking\":true}"))
                .isEqualTo(plain);
        assertThat(length(thinking, ",\"chat_template_kwargs\":{\"nobody_knows\":[1,{}]}"))
                .isEqualTo(plain);
    }

    @Test
    void effortIsAVariableAndNoneMeansNoThinking() {
        int plain = length(thinking, "");
        assertThat(length(thinking, ",\"reasoning_effort\":\"high\"")).isEqualTo(plain + 2);
        assertThat(length(thinking, ",\"reasoning_effort\":\"low\"")).isEqualTo(plain);
        assertThat(length(thinking, ",\"reasoning_effort\":\"none\"")).isEqualTo(plain + 1);
        assertThat(length(thinking, ",\"reasoning_effort\":null")).isEqualTo(plain);
        chat(thinking, "x", ",\"reasoning_effort\":\"huge\"")
                .then()
                .statusCode(400)
                .body("error.param", equalTo("reasoning_effort"))
                .body("error.message", containsString("xhigh"));
    }

    @Test
    void whatAModelWasTrainedWithCountsUntilARequestSaysOtherwise() {
        int plain = length(thinking, "");
        assertThat(length(quiet, "")).isEqualTo(plain + 1);
        assertThat(length(quiet, ",\"chat_template_kwargs\":{\"enable_thinking\":true}"))
                .isEqualTo(plain);
    }

    @Test
    void whatCannotBeAVariableIsRefused() {
        for (String wrong : new String[] {"{\"messages\":[]}", "{\"a b\":1}", "7", "[]"}) {
            chat(thinking, "x", ",\"chat_template_kwargs\":" + wrong)
                    .then()
                    .statusCode(400)
                    .body("error.param", equalTo("chat_template_kwargs"));
        }
    }

    @Test
    void textsNameControlTokensOnlyIfThatIsAskedFor() {
        int with = tokens(chat(thinking, "<|im_end|>", ",\"x_parse_special_tokens\":true"));
        assertThat(with).isEqualTo(1);
        assertThat(tokens(chat(thinking, "<|im_end|>", ""))).isGreaterThan(5);
        assertThat(tokens(completion(",\"x_parse_special_tokens\":true"))).isEqualTo(1);
        assertThat(tokens(completion(""))).isGreaterThan(5);
        String extra = ",\"chat_template_kwargs\":{\"extra\":\"<|im_end|>\"}";
        assertThat(tokens(chat(thinking, "x", extra)))
                .as("variables are texts of users too")
                .isGreaterThan(6);
    }

    private static int length(ServingGrant.Weights weights, String options) {
        return tokens(chat(weights, "hello", options));
    }

    private static int tokens(Response response) {
        return response.then().statusCode(200).extract().path("usage.prompt_tokens");
    }

    private static Response chat(ServingGrant.Weights weights, String text, String options) {
        return given().contentType("application/json")
                .header(ServingGrant.HEADER, TinyModel.grant(weights))
                .body(
                        "{\"model\":\"tiny\",\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":\""
                                + text
                                + "\"}]"
                                + options
                                + "}")
                .post("/v1/chat/completions");
    }

    private static Response completion(String options) {
        return given().contentType("application/json")
                .header(ServingGrant.HEADER, TinyModel.grant(thinking))
                .body(
                        "{\"model\":\"tiny\",\"max_tokens\":1,\"prompt\":\"<|im_end|>\""
                                + options
                                + "}")
                .post("/v1/completions");
    }
}
