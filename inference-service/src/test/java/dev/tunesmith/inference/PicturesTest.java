package dev.tunesmith.inference;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;

import dev.tunesmith.contracts.serving.ServingGrant;
import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.objects.ObjectStore;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import io.restassured.response.ValidatableResponse;
import jakarta.inject.Inject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Pictures in chats, as OpenAI's clients send them.
@QuarkusTest
@TestProfile(TestSettings.class)
final class PicturesTest {
    private static final Path GOLDEN = Path.of("../engine/src/test/resources");
    private static final String TEMPLATE =
            """
            {%- for message in messages -%}
            {%- if message.content is string -%}{{ message.content }}
            {%- else -%}{%- for part in message.content -%}
            {{- '<pic>' if part.type == 'image' else part.text -}}
            {%- endfor -%}{%- endif -%}
            {%- endfor -%}
            """;
    private static ServingGrant.Weights seeing = new ServingGrant.Weights("", "");
    private static ServingGrant.Weights blind = new ServingGrant.Weights("", "");

    private final ObjectStore objects;

    @Inject
    PicturesTest(ObjectStore objects) {
        this.objects = objects;
    }

    @BeforeEach
    void storeModels() throws IOException {
        if (seeing.manifestKey().isEmpty()) {
            blind = TinyModel.store(objects, TestSettings.folder("model"), "base/blind/1/");
            Path folder = TestSettings.folder("seeing");
            Files.createDirectories(folder);
            Path model = GOLDEN.resolve("golden/families/qwen2_vl/model");
            for (String name : List.of("config.json", "model.safetensors")) {
                Files.write(folder.resolve(name), Files.readAllBytes(model.resolve(name)));
            }
            Files.writeString(folder.resolve("chat_template.jinja"), TEMPLATE);
            JsonTree.write(folder.resolve("tokenizer.json"), words(model));
            seeing = TinyModel.publish(objects, folder, "base/seeing/1/");
        }
    }

    /// One word a token; the placeholder has the number that the model knows.
    private static Map<String, Object> words(Path model) throws IOException {
        Map<String, Object> config = JsonTree.read(model.resolve("config.json"));
        int image = config.get("image_token_id") instanceof Integer id ? id : 0;
        Map<String, Object> vocabulary = new LinkedHashMap<>();
        for (int id = 0; id < image; id++) {
            vocabulary.put(id == 0 ? "?" : "w" + id, id);
        }
        return Map.of(
                "version",
                "1.0",
                "added_tokens",
                List.of(
                        Map.of(
                                "id", image,
                                "content", "<pic>",
                                "special", true,
                                "single_word", false,
                                "lstrip", false,
                                "rstrip", false,
                                "normalized", false)),
                "pre_tokenizer",
                Map.of("type", "Whitespace"),
                "model",
                Map.of("type", "WordLevel", "vocab", vocabulary, "unk_token", "?"));
    }

    @Test
    void aPictureCountsItsRowsAndChangesTheAnswer() throws IOException {
        int tokens =
                chat(seeing, picture(), 4).statusCode(200).extract().path("usage.prompt_tokens");

        // 56 × 72 pixels in patches of 4, of which four become a row.
        assertThat(tokens).isGreaterThan(14 * 18 / 4);
    }

    @Test
    void aModelOfTextSaysThatItSeesNoPictures() throws IOException {
        chat(blind, picture(), 4)
                .statusCode(400)
                .body("error.message", containsString("does not see pictures"));
    }

    @Test
    void addressesAreNotFetched() {
        chat(seeing, "https://example.org/cat.png", 4)
                .statusCode(400)
                .body("error.message", containsString("data:"));
    }

    private static String picture() throws IOException {
        byte[] bytes = Files.readAllBytes(GOLDEN.resolve("pictures/checks.png"));
        return "data:image/png;base64," + Base64.getEncoder().encodeToString(bytes);
    }

    private static ValidatableResponse chat(ServingGrant.Weights weights, String url, int most) {
        Map<String, Object> text = Map.of("type", "text", "text", "w5 w6 ");
        Map<String, Object> image = Map.of("type", "image_url", "image_url", Map.of("url", url));
        return given().header("X-Tunesmith-Grant", TinyModel.grant(weights))
                .contentType("application/json")
                .body(
                        Json.text(
                                Map.of(
                                        "model",
                                        "tiny",
                                        "max_tokens",
                                        most,
                                        "temperature",
                                        0,
                                        "messages",
                                        List.of(
                                                Map.of(
                                                        "role",
                                                        "user",
                                                        "content",
                                                        List.of(text, image))))))
                .post("/v1/chat/completions")
                .then();
    }
}
