package dev.tunesmith.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tunesmith.cli.StandInServer.Call;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `tunesmith train --from`: what it prints, uploads and asks for.
final class TrainFromTest {
    private static final String FILES = "src/test/resources/foreign/";

    @TempDir Path folder;
    private StandInServer server;

    @BeforeEach
    void start() throws IOException {
        server = new StandInServer(folder);
        int[] uploads = {0};
        server.answer("/v1/files", _ -> "{\"id\":\"file-%032d\"}".formatted(++uploads[0]));
        server.answer("/v1/fine_tuning/jobs", _ -> "{\"id\":\"ftjob-1\"}");
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private List<Call> to(String place) {
        return server.calls().stream().filter(call -> call.at().equals("POST " + place)).toList();
    }

    @Test
    void uploadsTheRowsInOurFormAndSubmitsTheTranslatedSpec() throws IOException {
        Said said =
                server.run(
                        "train",
                        "--from",
                        "llamafactory",
                        FILES + "llamafactory/dpo.yaml",
                        "model=nano",
                        "x_training.learning_rate=1e-3");

        assertThat(said.code()).as(said.err()).isEqualTo(ExitCode.OK);
        assertThat(said.out().strip()).isEqualTo("ftjob-1");
        assertThat(said.err())
                .contains("model: nano", "type: dpo", "beta: 0.1")
                .containsPattern("mapped +pref_beta +0.1 +→ hyperparameters.beta: 0.1")
                .containsPattern("ignored +output_dir +saves/dpo +— results are files of the job");
        assertThat(to("/v1/files"))
                .singleElement()
                .extracting(Call::body)
                .asString()
                .contains("fine-tune", "preferred_output", "non_preferred_output", "Greet me.");
        JsonNode body = Api.JSON.readTree(to("/v1/fine_tuning/jobs").getFirst().body());
        assertThat(body.path("training_file").asText()).isEqualTo("file-%032d".formatted(1));
        assertThat(body.path("model").asText()).isEqualTo("nano");
        assertThat(body.at("/method/dpo/hyperparameters/beta").asDouble()).isEqualTo(0.1);
        assertThat(body.at("/x_training/learning_rate").asDouble()).isEqualTo(1e-3);
        assertThat(body.at("/x_training/label_smoothing").asDouble()).isEqualTo(0.05);
    }

    @Test
    void everySetBecomesAFileOfTheJob() throws IOException {
        Said said =
                server.run("train", "--from", "axolotl", FILES + "axolotl/mixed.yml", "model=nano");

        assertThat(said.code()).as(said.err()).isEqualTo(ExitCode.OK);
        assertThat(to("/v1/files"))
                .hasSize(3)
                .allMatch(call -> call.body().contains("\"messages\""));
        JsonNode body = Api.JSON.readTree(to("/v1/fine_tuning/jobs").getFirst().body());
        assertThat(body.at("/x_training/data").findValuesAsText("file"))
                .containsExactly(
                        "file-%032d".formatted(1),
                        "file-%032d".formatted(2),
                        "file-%032d".formatted(3));
    }

    @Test
    void aRefusedFileIsNeitherUploadedNorSubmitted() {
        Said said =
                server.run(
                        "train", "--from", "torchtune", FILES + "torchtune/refused.yaml", "seed=1");

        assertThat(said.code()).isEqualTo(ExitCode.USAGE);
        assertThat(said.err()).contains("RMSprop", "shuffle", "--force leaves refused options out");
        assertThat(server.calls()).isEmpty();
    }

    @Test
    void theBodyCanBeSeenWithoutAServer() throws IOException {
        Said said =
                server.run(
                        "train",
                        "--from",
                        "torchtune",
                        FILES + "torchtune/lora-dpo.yaml",
                        "--print-config");

        assertThat(said.code()).as(said.err()).isEqualTo(ExitCode.OK);
        assertThat(Api.JSON.readTree(said.out()).at("/x_training/max_steps").asInt())
                .isEqualTo(1000);
        assertThat(server.calls()).isEmpty();
    }
}
