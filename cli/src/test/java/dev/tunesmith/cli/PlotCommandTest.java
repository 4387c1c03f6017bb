package dev.tunesmith.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tunesmith.cli.StandInServer.Call;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `tunesmith jobs plot` of a job that runs and of one that has ended.
final class PlotCommandTest {
    private static final String JOB = "/v1/fine_tuning/jobs/ftjob-1";
    private static final int STEPS = 150;

    @TempDir Path folder;
    private StandInServer server;

    @BeforeEach
    void start() throws IOException {
        server = new StandInServer(folder);
    }

    @AfterEach
    void stop() {
        server.close();
    }

    /// Events come newest first, a hundred at a time.
    private static String events(Call call) {
        int from = call.at().contains("after=") ? STEPS - 100 : STEPS;
        int to = Math.max(0, from - 100);
        String data =
                IntStream.iterate(from, step -> step > to, step -> step - 1)
                        .mapToObj(step ->
                                "{\"id\":\"ftevent-%d\",\"data\":{\"step\":%d,\"train_loss\":%s,\"unit\":\"nats\"}}"
                                        .formatted(step, step, 3.0 / step))
                        .collect(Collectors.joining(","));
        return "{\"data\":[%s,{\"id\":\"ftevent-0\",\"data\":{}}],\"has_more\":%s}"
                .formatted(data, to > 0);
    }

    private void running() {
        server.answer(JOB, _ -> "{\"status\":\"running\",\"result_files\":[]}");
        server.answer(JOB + "/events", PlotCommandTest::events);
    }

    private void ended() {
        server.answer(JOB, _ -> "{\"status\":\"succeeded\",\"result_files\":[\"f-1\",\"f-2\"]}");
        server.answer("/v1/files/f-1", _ -> "{\"filename\":\"step_metrics.jsonl\"}");
        server.answer("/v1/files/f-2", _ -> "{\"filename\":\"../curves.svg\"}");
        server.answer(
                "/v1/files/f-1/content",
                _ ->
                        "{\"step\":1,\"train_loss\":2.0,\"grad_norm\":0.5}\n{\"step\":2,\"train_loss\":1.0,\"grad_norm\":0.25}\n");
        server.answer("/v1/files/f-2/content", _ -> "<svg/>");
    }

    @Test
    void drawsWhatARunningJobHasReportedOnAllPagesOfItsEvents() throws IOException {
        running();
        Said drawn = server.run("jobs", "plot", "ftjob-1", "--width", "60", "--height", "8");
        assertThat(drawn.code()).as(drawn.err()).isEqualTo(ExitCode.OK);
        assertThat(drawn.out()).contains("loss: train_loss", "step 150").doesNotContain("unit");

        JsonNode panels = Api.JSON.readTree(server.run("jobs", "plot", "ftjob-1", "--json").out());
        JsonNode curve = panels.get(0).path("curves").get(0);
        assertThat(curve.toString()).contains("150", "0.02");
        assertThat(curve.path("name").asText()).isEqualTo("train_loss");
    }

    @Test
    void aRunningJobHasNoFilesYet() {
        running();
        Path target = folder.resolve("curves");
        Said said = server.run("jobs", "plot", "ftjob-1", "-o", target.toString());
        assertThat(said.code()).isEqualTo(ExitCode.CONFLICT);
        assertThat(said.err()).contains("no files before it has succeeded");
        assertThat(target).doesNotExist();
    }

    @Test
    void writesTheFilesOfAJobThatHasEndedIntoTheFolderAndNowhereElse() {
        ended();
        Path target = folder.resolve("curves");
        Said said =
                server.run("jobs", "plot", "ftjob-1", "--curve", "grad", "-o", target.toString());
        assertThat(said.code()).as(said.err()).isEqualTo(ExitCode.OK);
        assertThat(said.out()).contains("grad_norm").doesNotContain("train_loss");
        assertThat(target.resolve("curves.svg")).hasContent("<svg/>");
        assertThat(target.resolve("step_metrics.jsonl")).content().contains("\"grad_norm\":0.25");
        assertThat(Files.exists(folder.resolve("curves.svg"))).isFalse();
    }

    @Test
    void namesTheFiguresThereAre() {
        ended();
        Said said = server.run("jobs", "plot", "ftjob-1", "--curve", "reward");
        assertThat(said.code()).isEqualTo(ExitCode.NOT_FOUND);
        assertThat(said.err()).contains("no such figure", "train_loss", "grad_norm");
    }

    @Test
    void aJobWithoutFiguresSaysSo() {
        server.answer(JOB, _ -> "{\"status\":\"queued\",\"result_files\":[]}");
        server.answer(JOB + "/events", _ -> "{\"data\":[],\"has_more\":false}");
        Said said = server.run("jobs", "plot", "ftjob-1");
        assertThat(said.code()).isEqualTo(ExitCode.NOT_FOUND);
        assertThat(said.err()).contains("no figures yet");
    }
}
