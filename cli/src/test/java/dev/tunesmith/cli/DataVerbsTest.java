package dev.tunesmith.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import dev.tunesmith.cli.StandInServer.Call;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `tunesmith data` against a server whose tasks end at once: what each verb asks for, and what it
/// says about the answer.
final class DataVerbsTest {
    private static final String UPLOADED = "file-" + "a".repeat(32);
    private static final String FIGURES =
            """
            {"rows": 12, "tokens": 345, "trained_tokens": 67, "cut_rows": 1, "context": 64,
             "length": {"p50": 20, "p90": 40, "p99": 60, "max": 70},
             "histogram": [{"from": 0, "to": 32, "rows": 10}, {"from": 32, "to": 64, "rows": 5}]}
            """;

    @TempDir Path folder;
    private StandInServer server;
    private Path rows;
    private String result = "{}";
    private String end = "\"succeeded\", \"error\": null";
    private int polls;

    @BeforeEach
    void start() throws IOException {
        rows = Files.writeString(folder.resolve("rows.csv"), "q,a\n1,2\n");
        server = new StandInServer(folder);
        server.answer("/v1/files", this::file);
        server.answer("/api/v1/data/tasks", this::task);
    }

    @AfterEach
    void stop() {
        server.close();
    }

    /// Files of a result are called as their ids say.
    private String file(Call call) {
        String[] path = call.at().split("/");
        if (path.length == 3) {
            return "{\"id\":\"%s\"}".formatted(UPLOADED);
        }
        return call.at().endsWith("/content")
                ? "content of " + path[3]
                : "{\"filename\":\"%s\"}".formatted(path[3]);
    }

    private String task(Call call) {
        boolean ended = polls++ > 1;
        return """
        {"id": "task-1", "finished_at": %s, "status": %s, "result": %s,
         "result_files": ["findings.jsonl", "rows.csv.gz", "training.jsonl", "validation.jsonl"]}
        """
                .formatted(ended ? "1" : "null", end, result)
                .replace("\n", " ");
    }

    private Said run(String... words) {
        return server.runVerb("data", words);
    }

    private JsonNode asked() {
        return server.calls().stream()
                .filter(call -> call.at().equals("POST /api/v1/data/tasks"))
                .map(DataVerbsTest::tree)
                .findFirst()
                .orElseThrow();
    }

    private static JsonNode tree(Call call) {
        try {
            return Api.JSON.readTree(call.body());
        } catch (JsonProcessingException e) {
            throw new AssertionError(e);
        }
    }

    private List<String> calls(String method) {
        return server.calls().stream()
                .map(Call::at)
                .filter(at -> at.startsWith(method + " "))
                .toList();
    }

    @Test
    void aCheckSaysWhatTheFileWasTakenForAndEndsWithTwoIfRowsAreBad() {
        result =
                """
                {"recognised": {"training": "recognised as csv, because its name says so"},
                 "training": {"format": null, "rows": 2, "duplicates": 0, "longest_bytes": 9,
                   "problem_count": 1, "problems": [], "figures": {"bytes": 9, "findings":
                     {"unknown_shape": {"count": 1, "lines": [2]}}, "scripts": {}, "languages": {}}},
                 "tokens": %s}
                """
                        .formatted(FIGURES);
        Path report = folder.resolve("report");

        Said said = run("check", rows.toString(), "--model", "nano", "--report", report.toString());

        assertThat(said.code()).as(said.err()).isEqualTo(ExitCode.USAGE);
        assertThat(said.out())
                .contains("recognised as csv, because its name says so; override with --kind,")
                .contains("--columns", "1 x unknown_shape", "line 2", "345 tokens");
        assertThat(report).hasContent("content of findings.jsonl");
        assertThat(asked().has("reading")).isFalse();
        assertThat(calls("DELETE")).containsExactly("DELETE /v1/files/" + UPLOADED);
    }

    /// Kills: a verb that forgets how rows are read.
    @Test
    void everyVerbPassesOnHowRowsAreRead() {
        String[] reading = {
            "--kind",
            "csv",
            "--format",
            "alpaca",
            "--columns",
            "prompt=q,response=a",
            "--tags",
            "role_tag=who",
            "--ranking",
            "--chunk",
            "paragraph"
        };
        for (String verb : List.of("check", "preview", "tokens", "convert", "split", "pack")) {
            server.calls().clear();
            polls = 0;
            String[] more =
                    switch (verb) {
                        case "convert" -> new String[] {"-o", folder + "/out.csv.gz"};
                        case "split" ->
                                new String[] {"--validation", "0.5", "-o", folder.toString()};
                        default -> new String[] {"--model", "nano"};
                    };
            List<String> words = new java.util.ArrayList<>(List.of(verb, rows.toString()));
            words.addAll(List.of(reading));
            words.addAll(List.of(more));

            Said said = run(words.toArray(String[]::new));

            assertThat(said.code()).as(verb + said.err()).isZero();
            assertThat(asked().path("verb").asText()).isEqualTo(verb);
            assertThat(asked().path("reading").toString())
                    .isEqualTo(
                            "{\"kind\":\"csv\",\"format\":\"alpaca\",\"ranking\":true,"
                                    + "\"columns\":{\"prompt\":\"q\",\"response\":\"a\"},"
                                    + "\"tags\":{\"role_tag\":\"who\"},"
                                    + "\"chunk\":\"paragraph\"}");
        }
    }

    @Test
    void aPreviewThatIsPipedHasBracketsAndNoColours() {
        result =
                """
                {"documents": [{"tokens": 2, "trained_tokens": 1, "pieces":
                  [{"text": "q", "weight": 0.0}, {"text": "a", "weight": 1.0}]}],
                 "templates_text": "another template"}
                """;
        Said said = run("preview", UPLOADED, "--model", "nano", "--row", "7");

        assertThat(said.out())
                .isEqualTo(
                        """
                        q[[a]]
                        (2 tokens, 1 of them trained)
                        another template
                        """);
        assertThat(asked().path("row").asInt()).isEqualTo(7);
        assertThat(asked().path("file").asText()).isEqualTo(UPLOADED);
        assertThat(calls("DELETE")).isEmpty();
    }

    @Test
    void tokensStandInAHistogram() {
        result = FIGURES;
        Said said = run("tokens", UPLOADED, "--model", "nano", "--max-seq-len", "64");

        assertThat(said.out())
                .contains("12 rows, 345 tokens, 67 of them trained")
                .contains("length p50 20, p90 40, p99 60, longest 70")
                .contains("1 rows are longer than 64 tokens")
                .contains("      0 to 31            10 " + "#".repeat(40))
                .contains("     32 to 63             5 " + "#".repeat(20) + "\n");
        assertThat(asked().path("max_seq_len").asInt()).isEqualTo(64);
    }

    @Test
    void packedRowsAreAsFullAsTheServerSays() {
        result =
                """
                {"documents": 3, "tokens": 90, "rows": 2, "capacity": 64, "fullness": 0.703,
                 "unpacked_fullness": 0.469, "documents_per_row": 1.5, "documents_per_row_max": 2,
                 "cut_documents": 0}
                """;
        assertThat(run("pack", UPLOADED, "--model", "nano").out())
                .isEqualTo(
                        """
                        3 documents of 90 tokens in 2 rows of 64
                        rows are 70.3 % full, without packing 46.9 %
                        1.50 documents a row, at most 2; 0 are longer than a row
                        """);
    }

    @Test
    void aConversionWritesTheFileAndNamesRowsWithoutAPlace() {
        result = "{\"rows\": 5, \"skipped\": 1, \"problems\": [\"row 3: no place\"]}";
        Path out = folder.resolve("out.csv.gz");
        Said said = run("convert", UPLOADED, "-o", out.toString(), "--shape", "alpaca");

        assertThat(said.out())
                .isEqualTo(
                        """
                        5 rows in %s
                        1 rows have no place there:
                          row 3: no place
                        """
                                .formatted(out));
        assertThat(out).hasContent("content of rows.csv.gz");
        assertThat(asked().path("format").asText()).isEqualTo("csv.gz");
        assertThat(asked().path("shape").asText()).isEqualTo("alpaca");
    }

    @Test
    void aSplitWritesBothParts() {
        result = "{\"training\": 8, \"validation\": 2, \"groups\": 9}";
        Said said =
                run(
                        "split",
                        UPLOADED,
                        "--validation",
                        "0.2",
                        "--likeness",
                        "near",
                        "--seed",
                        "5",
                        "-o",
                        folder.toString());

        assertThat(said.out())
                .isEqualTo("8 rows for training, 2 for validation, of 9 different ones\n");
        assertThat(folder.resolve("training.jsonl")).hasContent("content of training.jsonl");
        assertThat(folder.resolve("validation.jsonl")).hasContent("content of validation.jsonl");
        assertThat(asked().toString())
                .contains("\"validation\":0.2", "\"seed\":5", "\"likeness\":\"near\"");
    }

    @Test
    void whatTheServerRefusesEndsWithItsReasonAndTheUploadIsGone() {
        end = "\"failed\", \"error\": \"row 1: no answer\"";
        Said failed = run("tokens", rows.toString(), "--model", "nano");
        assertThat(failed.code()).isEqualTo(ExitCode.USAGE);
        assertThat(failed.err()).contains("row 1: no answer");
        assertThat(calls("DELETE")).containsExactly("DELETE /v1/files/" + UPLOADED);

        end = "\"cancelled\"";
        polls = 0;
        assertThat(run("tokens", UPLOADED, "--model", "nano").code()).isEqualTo(ExitCode.CANCELLED);
        assertThat(run("tokens", "nowhere.csv", "--model", "nano").err())
                .contains("no such file: nowhere.csv");
    }

    @Test
    void jsonIsTheTaskAsItCameWhereverItIsAskedFor() throws JsonProcessingException {
        result = FIGURES;
        for (List<String> words :
                List.of(
                        List.of("--json", "tokens", UPLOADED, "--model", "nano"),
                        List.of("tokens", UPLOADED, "--model", "nano", "--json"))) {
            polls = 0;
            Said said = run(words.toArray(String[]::new));

            assertThat(said.code()).as(said.err()).isZero();
            assertThat(Api.JSON.readTree(said.out()).path("result").path("tokens").asInt())
                    .isEqualTo(345);
        }
    }

    @Test
    void theServerIsNamedBeforeAVerbOrBehindIt() {
        result = FIGURES;
        Said said = server.run("data", "tokens", UPLOADED, "--model", "nano");

        assertThat(said.code()).as(said.err()).isZero();
        assertThat(said.out()).contains("12 rows, 345 tokens");
    }
}
