package dev.tunesmith.inference;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;

import dev.tunesmith.contracts.serving.ServingGrant;
import dev.tunesmith.engine.data.BatchBuilder;
import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.model.ScoreHead;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.DType;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.engine.text.SpecialText;
import dev.tunesmith.engine.text.Tokenizer;
import dev.tunesmith.platform.json.Json;
import dev.tunesmith.platform.objects.ObjectStore;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import io.restassured.path.json.JsonPath;
import io.restassured.response.ValidatableResponse;
import jakarta.inject.Inject;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Scores of answers, and how likely answers are that rows bring.
@QuarkusTest
@TestProfile(TestSettings.class)
final class ScoreResourceTest {
    private static Path folder = Path.of("");
    private static ServingGrant.Weights weights = new ServingGrant.Weights("", "");

    private final ObjectStore objects;

    @Inject
    ScoreResourceTest(ObjectStore objects) {
        this.objects = objects;
    }

    @BeforeEach
    void storeModel() {
        if (weights.manifestKey().isEmpty()) {
            folder = TestSettings.folder("model");
            weights = TinyModel.store(objects, folder, "base/scores/1/");
        }
    }

    /// The same numbers as an evaluation harness computes from an echoed prompt.
    @Test
    void aRowIsAsLikelyAsItsTokensEchoed() {
        JsonPath row =
                score("\"rows\":[" + row("hello", "the quick fox") + "]")
                        .statusCode(200)
                        .extract()
                        .jsonPath();
        List<Integer> ids = new ArrayList<>();
        try (Tokenizer tokenizer = Tokenizer.open(folder.resolve("tokenizer.json"))) {
            for (String piece :
                    List.of(
                            "<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n",
                            "the quick fox<|im_end|>\n")) {
                Arrays.stream(tokenizer.encode(piece, SpecialText.PARSED)).forEach(ids::add);
            }
        }
        List<Float> logprobs =
                given().contentType("application/json")
                        .header(ServingGrant.HEADER, TinyModel.grant(weights))
                        .body(
                                "{\"model\":\"tiny\",\"prompt\":%s,\"max_tokens\":0,\"echo\":true,\"logprobs\":1}"
                                        .formatted(ids))
                        .post("/v1/completions")
                        .then()
                        .statusCode(200)
                        .extract()
                        .jsonPath()
                        .getList("choices[0].logprobs.token_logprobs", Float.class);

        int tokens = row.getInt("data[0].tokens");
        double loss = 0;
        for (float logprob : logprobs.subList(logprobs.size() - tokens, logprobs.size())) {
            loss -= logprob;
        }
        assertThat(tokens).isBetween(5, 20);
        assertThat(row.getDouble("data[0].loss")).isCloseTo(loss, within(1e-3 * loss));
        assertThat(row.getDouble("scores.perplexity"))
                .isCloseTo(Math.exp(loss / tokens), within(1e-2 * Math.exp(loss / tokens)));
    }

    @Test
    void rowsThatCannotBeReadSayWhyAndDoNotCount() {
        score(
                        "\"rows\":[{\"messages\":[]},"
                                + row("a", "b")
                                + ",{\"text\":\""
                                + "a b ".repeat(200)
                                + "\"}]")
                .statusCode(200)
                .body("count", equalTo(1))
                .body("data[0].problem", containsString("assistant"))
                .body("data[2].problem", containsString("ends a document"));
        score("\"rows\":[1]").statusCode(400).body("error.param", equalTo("rows[0]"));
        score("\"other\":1").statusCode(400).body("error.param", equalTo("pairs"));
    }

    /// As a job with this model as its grader scores them.
    @Test
    void aRewardModelScoresRowsAsInTraining() throws IOException {
        Path judge = TestSettings.folder("judge");
        TinyModel.write(judge);
        float[] head = new float[32];
        for (int i = 0; i < head.length; i++) {
            head[i] = (i % 5 - 2) * 0.25f;
        }
        try (Region region = Region.lasting("head")) {
            ScoreHead.of(head, 0.5f, region).save(judge);
        }
        ServingGrant.Weights judges = TinyModel.publish(objects, judge, "base/judge/1/");

        JsonPath scored =
                given().contentType("application/json")
                        .header(ServingGrant.HEADER, TinyModel.grant(judges))
                        .body(
                                "{\"model\":\"tiny\",\"rows\":[%s,{\"messages\":[]},%s]}"
                                        .formatted(
                                                row("hello", "the quick fox"), row("hello", "no")))
                        .post("/v1/score")
                        .then()
                        .statusCode(200)
                        .extract()
                        .jsonPath();

        String opening = "<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n";
        assertThat(scored.getDouble("data[0].score"))
                .isCloseTo(score(judge, opening + "the quick fox<|im_end|>\n"), within(0.05));
        assertThat(scored.getDouble("data[2].score"))
                .isCloseTo(score(judge, opening + "no<|im_end|>\n"), within(0.05))
                .isNotCloseTo(scored.getDouble("data[0].score"), within(0.2));
        assertThat(scored.getString("data[1].problem")).contains("assistant");
        assertThat(scored.getInt("usage.total_tokens")).isGreaterThan(20);
    }

    /// The score at the last token, as training reads it: without a cache.
    private static double score(Path judge, String text) throws IOException {
        ModelDirectory directory = ModelDirectory.open(judge);
        try (Tokenizer tokenizer = Tokenizer.open(judge.resolve("tokenizer.json"));
                Decoder decoder = Decoder.load(directory, DType.BF16, Decoder.Loading.MAPPED);
                Region heads = Region.lasting("head of the test");
                StepArena arena = StepArena.unlimited();
                Region region = arena.open("test")) {
            int[] ids = tokenizer.encode(text, SpecialText.PARSED);
            BatchBuilder batch = new BatchBuilder();
            batch.add(Sample.allTrained(ids));
            Tape tape = Tape.silent(arena, region);
            Tensor hidden_ND = decoder.forward(tape, batch.build(), CheckpointPolicy.keepAll());
            return ScoreHead.load(judge.resolve(ScoreHead.FILE), heads)
                    .values(tape, hidden_ND, new int[] {ids.length - 1})[0];
        }
    }

    @Test
    void onlyRewardModelsScoreRows() {
        given().contentType("application/json")
                .header(ServingGrant.HEADER, TinyModel.grant(weights))
                .body("{\"model\":\"tiny\",\"rows\":[" + row("a", "b") + "]}")
                .post("/v1/score")
                .then()
                .statusCode(400)
                .body("error.param", equalTo("model"))
                .body("error.message", containsString("reward_model"));
    }

    @Test
    void pairsGoOnFromEarlierSums() {
        JsonPath first = score("\"pairs\":[" + pair("a cat", "a cat") + "]").extract().jsonPath();
        Map<String, Object> sums = first.getMap("sums");
        JsonPath both =
                score("\"pairs\":[" + pair("x", "a dog") + "],\"sums\":" + Json.text(sums))
                        .extract()
                        .jsonPath();
        JsonPath atOnce =
                score("\"pairs\":[" + pair("a cat", "a cat") + "," + pair("x", "a dog") + "]")
                        .extract()
                        .jsonPath();

        assertThat(both.getInt("count")).isEqualTo(2);
        assertThat(both.<Map<String, Object>>get("scores")).isEqualTo(atOnce.get("scores"));
        score("\"pairs\":[" + pair("a", "b") + "],\"sums\":{}")
                .statusCode(400)
                .body("error.param", equalTo("sums"));
    }

    private static String row(String question, String answer) {
        return "{\"messages\":[{\"role\":\"user\",\"content\":\"%s\"},{\"role\":\"assistant\",\"content\":\"%s\"}]}"
                .formatted(question, answer);
    }

    private static String pair(String prediction, String reference) {
        return "{\"prediction\":\"%s\",\"reference\":\"%s\"}".formatted(prediction, reference);
    }

    private static ValidatableResponse score(String asked) {
        return given().contentType("application/json")
                .header(ServingGrant.HEADER, TinyModel.grant(weights))
                .body("{\"model\":\"tiny\"," + asked + "}")
                .post("/v1/scores")
                .then();
    }
}
