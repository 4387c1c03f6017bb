package dev.tunesmith.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.tunesmith.cli.StandInServer.Call;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `tunesmith predict` over files that only the server can read, and its table of scores.
final class PredictRowsTest {
    private static final String ROWS =
            "{\"prompt\":\"one\",\"completion\":\"1\"}\n{\"prompt\":\"two\",\"completion\":\"2\"}\n";
    private static final String SCORES =
            """
            {"bleu-4": 52.2434, "rouge-l": 63.1402, "sacrebleu_bleu_13a": 17.99524,
             "sacrebleu_bleu_zh": 39.34199, "rouge_score_rougeL": 0.313846, "exact_match": 0.2}
            """;

    @TempDir Path folder;
    private StandInServer server;

    @BeforeEach
    void start() throws IOException {
        server = new StandInServer(folder);
        server.answer("/v1/files", PredictRowsTest::file);
        server.answer("/api/v1/data/tasks", PredictRowsTest::task);
        server.answer(
                "/v1/chat/completions", _ -> "{\"choices\":[{\"message\":{\"content\":\"1\"}}]}");
        server.answer("/v1/scores", PredictRowsTest::scores);
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private static String file(Call call) {
        boolean skipped = call.at().contains("file-skipped");
        if (call.at().endsWith("/content")) {
            return skipped ? "{\"row\":2,\"reason\":\"has no answer\"}\n" : ROWS;
        }
        return "{\"id\":\"file-up\",\"filename\":\"%s.jsonl\"}"
                .formatted(skipped ? "skipped" : "rows");
    }

    private static String task(Call call) {
        return """
        {"id": "task-1", "finished_at": 1, "status": "succeeded",
         "result_files": ["file-made", "file-skipped"],
         "result": {"rows": 2, "skipped": 1, "problems": ["row 2: has no answer"]}}
        """
                .replace("\n", " ");
    }

    private static String scores(Call call) {
        try {
            int pairs = Api.JSON.readTree(call.body()).path("pairs").size();
            ArrayNode data = Api.JSON.createArrayNode();
            for (int i = 0; i < pairs; i++) {
                data.addObject().put("bleu-4", 50 + i);
            }
            return "{\"data\":%s,\"scores\":%s,\"sums\":{\"count\":[2]}}".formatted(data, SCORES);
        } catch (JsonProcessingException e) {
            throw new AssertionError(e);
        }
    }

    private Said predict(Path rows, String... more) {
        List<String> words =
                new java.util.ArrayList<>(
                        List.of("predict", rows.toString(), "--model", "nano", "--no-likelihood"));
        words.addAll(List.of("-o", folder.resolve("answers.jsonl").toString()));
        words.addAll(List.of(more));
        return server.run(words.toArray(String[]::new));
    }

    private List<String> tasks() {
        return server.calls().stream()
                .filter(call -> call.at().equals("POST /api/v1/data/tasks"))
                .map(Call::body)
                .toList();
    }

    @Test
    void aTableIsReadByTheServerAsAJobReadsIt() throws IOException {
        Path rows = Files.writeString(folder.resolve("rows.csv"), "q,a\none,1\n");

        Said said = predict(rows, "--columns", "prompt=q,response=a");

        assertThat(said.code()).as(said.err()).isZero();
        assertThat(tasks())
                .singleElement()
                .asString()
                .contains("\"verb\":\"convert\"", "\"format\":\"jsonl\"")
                .contains("\"reading\":{\"columns\":{\"prompt\":\"q\",\"response\":\"a\"}}");
        assertThat(said.err()).contains("left out", "row 2: has no answer", "2 rows answered");
        assertThat(Files.readAllLines(folder.resolve("answers.jsonl")))
                .hasSize(2)
                .first()
                .asString()
                .contains("\"row\":1", "\"label\":\"1\"", "\"predict\":\"1\"");
    }

    /// Kills: answers that are numbered by the rows that are left.
    @Test
    void answersBearTheNumbersOfTheirRowsInTheFile() throws IOException {
        Path rows = Files.writeString(folder.resolve("rows.csv"), "q,a\none,1\nnone,\ntwo,2\n");
        String[] columns = {"--columns", "prompt=q,response=a"};

        assertThat(predict(rows, "--limit", "1", columns[0], columns[1]).code()).isZero();
        Said said = predict(rows, columns);

        assertThat(said.err()).contains("has 1 answers; going on behind them", "2 rows answered");
        List<String> answers = Files.readAllLines(folder.resolve("answers.jsonl"));
        assertThat(answers).hasSize(2);
        assertThat(answers.getFirst()).contains("\"row\":1,", "\"prompt\":\"one\"");
        assertThat(answers.getLast()).contains("\"row\":3,", "\"prompt\":\"two\"");
    }

    @Test
    void compressedRowsAreReadByTheServerAndPlainOnesHere() throws IOException {
        Path packed = folder.resolve("rows.jsonl.gz");
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(packed))) {
            out.write(ROWS.getBytes(java.nio.charset.StandardCharsets.UTF_8));
        }
        assertThat(predict(packed).code()).isZero();
        assertThat(tasks()).hasSize(1);

        server.calls().clear();
        Files.delete(folder.resolve("answers.jsonl"));
        assertThat(predict(Files.writeString(folder.resolve("rows"), "\uFEFF \n" + ROWS)).code())
                .isZero();
        assertThat(tasks()).isEmpty();
    }

    @Test
    void theTableNamesEveryScoreByItsLibrary() throws IOException {
        Path rows = Files.writeString(folder.resolve("rows.jsonl"), ROWS);

        assertThat(predict(rows).out())
                .isEqualTo(
                        """
                        SCORE               VALUE
                        bleu-4              52.2434
                        rouge-l             63.1402
                        sacrebleu_bleu_13a  17.9952
                        sacrebleu_bleu_zh   39.3420
                        rouge_score_rougeL  0.3138
                        exact_match         0.2000
                        """);
        assertThat(predict(rows, "--metrics", "sacrebleu,exact").out())
                .isEqualTo(
                        """
                        SCORE               VALUE
                        sacrebleu_bleu_13a  17.9952
                        sacrebleu_bleu_zh   39.3420
                        exact_match         0.2000
                        """);
        assertThat(Api.JSON.readTree(predict(rows, "--json").out()).path("scores").size())
                .isEqualTo(6);
        assertThat(Files.readAllLines(folder.resolve("answers.jsonl")).get(1))
                .contains("\"bleu-4\":51");
    }
}
