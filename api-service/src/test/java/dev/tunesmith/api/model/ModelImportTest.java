package dev.tunesmith.api.model;

import static dev.tunesmith.api.testing.Api.as;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.not;

import dev.tunesmith.api.testing.Api;
import dev.tunesmith.api.testing.ApiTestResource;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;
import io.restassured.response.Response;
import java.net.InetAddress;
import java.net.Socket;
import java.util.Arrays;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("servers")
@QuarkusTest
@WithTestResource(ApiTestResource.class)
class ModelImportTest {
    private static final String CONFIG =
            """
            {"architectures":["LlamaForCausalLM"],"num_hidden_layers":1,"hidden_size":8,
             "num_attention_heads":2,"intermediate_size":16,"vocab_size":32,"max_position_embeddings":64}
            """;

    @Test
    void aDirectoryBecomesAModelOfItsTenantOnly() {
        send("demo", "own/model-1", "", whole().bytes())
                .then()
                .statusCode(200)
                .body("name", equalTo("own/model-1"))
                .body("kind", equalTo("base"))
                .body("facts.context_length", equalTo(64))
                .body("bytes", org.hamcrest.Matchers.greaterThan(100));

        for (String path : new String[] {"/v1/models/own/model-1", "/v1/models/own%2Fmodel-1"}) {
            as("demo")
                    .urlEncodingEnabled(false)
                    .get(path)
                    .then()
                    .statusCode(200)
                    .body("id", equalTo("own/model-1"))
                    .body("object", equalTo("model"))
                    .body("x_context_length", equalTo(64));
        }
        as("guest").get("/v1/models/own/model-1").then().statusCode(404);
        as("guest").get("/v1/models").then().body("data.id", not(hasItem("own/model-1")));
        send("demo", "own/model-1", "", whole().bytes())
                .then()
                .statusCode(400)
                .body("code", equalTo("model_exists"));
        as("demo").delete("/v1/models/own/model-1").then().statusCode(200);
        as("demo").get("/v1/models/own/model-1").then().statusCode(404);
    }

    @Test
    void whatWasImportedComesBackByteForByteToItsOwnerOnly() {
        byte[] weights = Tar.safetensors("w", 4);
        send("demo", "own/back-1", "", whole().bytes()).then().statusCode(200);
        String files = "/api/v1/model-files?model=own/back-1";
        String content = "/api/v1/model-files/content?model=own/back-1&file=";

        as("demo")
                .get(files)
                .then()
                .statusCode(200)
                .body("object", equalTo("list"))
                .body("data.name", hasItem("model.safetensors"))
                .body(
                        "data.find { it.name == 'model.safetensors' }.bytes",
                        equalTo(weights.length));
        byte[] back = as("demo").get(content + "model.safetensors").asByteArray();
        assertThat(back).isEqualTo(weights);

        as("demo").get(content + "../MANIFEST.json").then().statusCode(404);
        as("guest").get(files).then().statusCode(404);
        as("guest").get(content + "model.safetensors").then().statusCode(404);
        RestAssured.given().get(files).then().statusCode(401);
    }

    @Test
    void onlyAnOperatorMakesABaseModelAndNobodyDeletesIt() {
        send("demo", "shared", "&base=true", whole().bytes()).then().statusCode(403);
        send("operator", "shared", "&base=true", whole().bytes()).then().statusCode(200);

        as("guest")
                .get("/v1/models/shared")
                .then()
                .statusCode(200)
                .body("owned_by", equalTo("tunesmith"));
        as("demo")
                .delete("/v1/models/shared")
                .then()
                .statusCode(403)
                .body("error.type", equalTo("permission_error"));
    }

    @Test
    void namesWhereASafetensorsFileIsBroken() {
        byte[] good = Tar.safetensors("w", 4);
        refused("cut", whole().with("model.safetensors", Arrays.copyOf(good, good.length - 3)))
                .body("errors[0].field", equalTo("model.safetensors"))
                .body("detail", containsString("truncated"))
                .body("detail", containsString("offset"));
        refused("tiny", whole().with("model.safetensors", new byte[] {1, 2}))
                .body("detail", containsString("offset 2"));
        refused("huge", whole().with("model.safetensors", "zzzzzzzzzzzz".getBytes(UTF_8)))
                .body("detail", containsString("offset 0"));
    }

    @Test
    void namesEverythingThatIsWrongWithADirectory() {
        refused(
                        "bad",
                        new Tar()
                                .with("m/pytorch_model.bin", new byte[10])
                                .with("m/../../x", new byte[1])
                                .with("m/config.json", "{\"architectures\":[]}".getBytes(UTF_8)))
                .body("errors.field", hasItem("m/pytorch_model.bin"))
                .body("errors.field", hasItem("m/../../x"))
                .body("errors.field", hasItem("config.json"))
                .body("errors.field", hasItem("tokenizer.json"));
        refused("notar", new Tar().raw("hello".getBytes(UTF_8)));
        send("demo", "../evil", "", whole().bytes()).then().statusCode(400);
    }

    /// Kills: a broken archive as a fault of the server, wherever it breaks.
    @Test
    void namesWhatIsWrongWithAnArchive() {
        byte[] none = {};
        refused("n1", Tar.entry("config.json", '0', "-0000000001", none), "claims -1 bytes");
        refused("n2", Tar.entry("config.json", 'L', "-0000000001", none), "claims -1 bytes");
        refused("n3", Tar.entry("a.safetensors", '0', "120000000000", new byte[512]), "offset 0");
        byte[] weights = Arrays.copyOf(Tar.safetensors("w", 4000), 8192);
        refused(
                "n4",
                Tar.entry(
                        "a.safetensors",
                        '0',
                        "%011o".formatted(Tar.safetensors("w", 4000).length),
                        weights),
                "too early");
        refused("n5", Tar.entry("tokenizer.json", '0', "00100000000", none), "too early");
        refused("n6", Tar.entry("notes.txt", '0', "120000000000", none), "ends inside");
        refused("n7", Tar.entry("config.json", '2', "00000000000", none), "tar type '2'");
        refused("n8", Tar.entry("/config.json", '0', "00000000000", none), "leaves the model");
        refused("n9", new byte[] {0x1f, (byte) 0x8b, 8, 0}, "ends inside a header");
        refused("n10", Arrays.copyOf(new byte[] {0x1f, (byte) 0x8b, 8}, 512), "compressed");
        byte[] one = Tar.entry("config.json", '0', "00000000002", "{}".getBytes(UTF_8));
        byte[] twice = Arrays.copyOf(one, 2 * one.length);
        System.arraycopy(one, 0, twice, one.length, one.length);
        refused("n11", twice, "comes twice");
    }

    private static void refused(String name, byte[] tar, String reason) {
        refused(name, new Tar().raw(tar)).body("errors.message", hasItem(containsString(reason)));
    }

    @Test
    void aClientThatLeavesInTheMiddleLeavesNothing() throws Exception {
        byte[] tar = whole().with("model.safetensors", Tar.safetensors("w", 4000)).bytes();
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), RestAssured.port)) {
            String head =
                    String.join(
                            "\r\n",
                            "POST /api/v1/models?name=halfway HTTP/1.1",
                            "Host: localhost",
                            "Authorization: Bearer " + Api.key("demo"),
                            "Content-Length: " + tar.length);
            socket.getOutputStream().write((head + "\r\n\r\n").getBytes(UTF_8));
            socket.getOutputStream().write(tar, 0, tar.length / 2);
            socket.getOutputStream().flush();
            Thread.sleep(300);
        }
        Thread.sleep(500);

        as("demo").get("/v1/models/halfway").then().statusCode(404);
        assertThat(send("demo", "halfway", "", whole().bytes()).statusCode()).isEqualTo(200);
    }

    private static io.restassured.response.ValidatableResponse refused(String name, Tar tar) {
        io.restassured.response.ValidatableResponse answer =
                send("demo", name, "", tar.bytes())
                        .then()
                        .statusCode(400)
                        .contentType("application/problem+json")
                        .body("code", equalTo("invalid_model_file"));
        as("demo").get("/v1/models/" + name).then().statusCode(404);
        return answer;
    }

    private static Tar whole() {
        return new Tar()
                .with("./config.json", CONFIG.getBytes(UTF_8))
                .with("tokenizer.json", "{}".getBytes(UTF_8))
                .with("generation_config.json", "{\"temperature\":0.7}".getBytes(UTF_8))
                .with("model.safetensors", Tar.safetensors("w", 4));
    }

    private static Response send(String who, String name, String more, byte[] tar) {
        return as(who).contentType("application/x-tar")
                .body(tar)
                .post("/api/v1/models?name=" + name + more);
    }
}
