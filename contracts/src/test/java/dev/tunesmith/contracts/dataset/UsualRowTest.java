package dev.tunesmith.contracts.dataset;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.data.RowFormat;
import dev.tunesmith.contracts.data.RowRules;
import dev.tunesmith.contracts.tool.Json;
import dev.tunesmith.contracts.tool.JsonReader;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class UsualRowTest {

    private static Map<String, Object> tree(String json) {
        Map<String, Object> tree = new LinkedHashMap<>();
        if (JsonReader.read(json) instanceof Map<?, ?> map) {
            map.forEach((key, value) -> tree.put(key.toString(), value));
        }
        return tree;
    }

    private static UsualRow row(String json) {
        return UsualRow.of(tree(json));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    {"instruction": "Add", "input": "1 2", "output": "3", "system": "S", "history": [["a", "b"]]} | {"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "Add\\n1 2"}, {"role": "assistant", "content": "3"}]}
                    {"instruction": "Q", "chosen": "A", "rejected": "B"} | {"prompt": [{"role": "user", "content": "Q"}], "chosen": [{"role": "assistant", "content": "A"}], "rejected": [{"role": "assistant", "content": "B"}]}
                    {"instruction": "Q", "output": "A", "kto_tag": false} | {"prompt": [{"role": "user", "content": "Q"}], "completion": [{"role": "assistant", "content": "A"}], "label": false}
                    {"conversations": [{"from": "human", "value": "Q"}, {"from": "gpt", "value": "A"}]} | {"messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]}
                    {"conversations": "[{\\"from\\": \\"human\\", \\"value\\": \\"Q\\"}, {\\"from\\": \\"gpt\\", \\"value\\": \\"A\\"}]"} | {"messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]}
                    """)
    void foreignLayoutsBecomeRowsThatJobsKnow(String given, String wanted) {
        UsualRow usual = row(given);
        assertThat(Json.line(usual.row())).isEqualTo(wanted);
        RowRules rules = new RowRules(1);
        assertThat(rules.row(RowFormat.of(usual.row()).orElseThrow(), usual.row()))
                .as(rules.found().toString())
                .isPresent();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    {"instruction": "See <image>\\nand this", "output": "A", "images": ["data:image/png;base64,AA"]} | {"messages": [{"role": "user", "content": [{"type": "text", "text": "See "}, P, {"type": "text", "text": "\\nand this"}]}, {"role": "assistant", "content": "A"}]}
                    {"conversations": [{"from": "human", "value": "<image>"}, {"from": "gpt", "value": "A"}], "images": "data:image/png;base64,AA"} | {"messages": [{"role": "user", "content": [P]}, {"role": "assistant", "content": "A"}]}
                    {"messages": [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "<image>"}]}, {"role": "assistant", "content": "A"}], "images": [{"bytes": null, "path": "data:image/png;base64,AA"}]} | {"messages": [{"role": "user", "content": [P, {"type": "text", "text": "<image>"}]}, {"role": "assistant", "content": "A"}]}
                    {"messages": [{"role": "user", "content": [{"type": "image", "image": "data:image/png;base64,AA"}]}, {"role": "assistant", "content": "A"}]} | {"messages": [{"role": "user", "content": [P]}, {"role": "assistant", "content": "A"}]}
                    {"messages": [{"role": "user", "content": "<image>"}, {"role": "assistant", "content": "A"}]} | {"messages": [{"role": "user", "content": "<image>"}, {"role": "assistant", "content": "A"}]}
                    """)
    void picturesOfAColumnStandWhereTheTextsHaveAPlaceForThem(String given, String wanted) {
        UsualRow usual = row(given);

        assertThat(usual.problem()).isEmpty();
        assertThat(usual.row())
                .isEqualTo(
                        JsonReader.read(
                                wanted.replace(
                                        "P",
                                        """
                                        {"type": "image_url", "image_url": \
                                        {"url": "data:image/png;base64,AA"}}\
                                        """)));
        RowRules rules = new RowRules(1);
        assertThat(rules.row(RowFormat.of(usual.row()).orElseThrow(), usual.row()))
                .as(rules.found().toString())
                .isPresent();
        assertThat(UsualRow.of(usual.row())).isEqualTo(UsualRow.of(usual.row()));
    }

    /// Kills: named columns that leave pictures out without a word.
    @Test
    void picturesThatNamedColumnsLeaveOutAreRefused() {
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("q", "<image> what?");
        row.put("a", "A");
        row.put("images", java.util.List.of("data:image/png;base64,AA"));
        DatasetEntry usual = DatasetEntry.usual("", Layout.ALPACA, false);
        Map<String, String> bare = Map.of("prompt", "q", "response", "a");
        Map<String, String> full = Map.of("prompt", "q", "response", "a", "images", "images");

        assertThat(UsualRow.of(row, columns(usual, bare)).problem().orElse(""))
                .contains("has images", "\"images\": \"images\"");
        assertThat(UsualRow.of(row, columns(usual, full)).problem()).isEmpty();
        row.put("images", java.util.List.of());
        assertThat(UsualRow.of(row, columns(usual, bare)).problem()).isEmpty();
    }

    /// Kills: a mistyped name of a column, which leaves every question empty.
    @Test
    void aColumnThatNoRowHasIsNamed() {
        DatasetEntry usual = DatasetEntry.usual("", Layout.ALPACA, false);
        Map<String, Object> row = Map.of("ask", "q", "reply", "a");

        assertThat(
                        UsualRow.of(
                                        row,
                                        columns(
                                                usual,
                                                Map.of("prompt", "question", "response", "reply")))
                                .problem())
                .contains("has none of the columns that prompt and query name: question");
        assertThat(
                        UsualRow.of(
                                        row,
                                        columns(usual, Map.of("query", "ask", "response", "reply")))
                                .problem())
                .isEmpty();
    }

    private static DatasetEntry columns(DatasetEntry usual, Map<String, String> columns) {
        return new DatasetEntry(
                usual.source(),
                usual.layout(),
                false,
                columns,
                usual.tags(),
                usual.part(),
                usual.numSamples());
    }

    @Test
    void bytesOfATableAreAPicture() {
        UsualRow usual =
                row(
                        """
                        {"prompt": [{"role": "user", "content": "<image>"}],\
                         "chosen": [{"role": "assistant", "content": "a"}],\
                         "rejected": [{"role": "assistant", "content": "b"}],\
                         "images": [{"bytes": "/9j/AA==", "path": "x.jpg"}]}\
                        """);

        assertThat(usual.problem()).isEmpty();
        assertThat(Json.line(usual.row())).contains("data:image/jpeg;base64,/9j/AA==");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    {"instruction": "<image>", "output": "A", "images": ["a/b.png"]} | "a/b.png" cannot be read here
                    {"instruction": "<image>", "output": "A", "images": ["https://x/b.png"]} | data:image/png
                    {"instruction": "Q", "output": "A", "images": ["data:image/png;base64,AA"]} | pictures: 1, places for them in the messages: 0
                    {"instruction": "<image><image>", "output": "A", "images": ["data:image/png;base64,AA"]} | pictures: 1, places for them in the messages: 2
                    {"instruction": "<video>", "output": "A", "videos": ["v.mp4"]} | videos cannot be trained
                    {"messages": [{"role": "user", "content": "<audio>"}, {"role": "assistant", "content": "A"}], "audios": "s.wav"} | sounds cannot be trained
                    {"messages": [{"role": "user", "content": [{"type": "image"}]}, {"role": "assistant", "content": "A"}]} | pictures: 0, places for them in the messages: 1
                    {"prompt": "Q", "completion": "A", "images": ["data:image/png;base64,AA"]} | messages: 0; write <image>
                    """)
    void mediaThatWouldNotBeTrainedAreRefused(String given, String reason) {
        assertThat(row(given).problem().orElseThrow()).contains(reason);
    }

    @Test
    void callsAndResultsFindEachOther() {
        UsualRow usual =
                row(
                        """
                        {"conversations": [{"from": "human", "value": "Q"},
                         {"from": "function_call", "value": "{\\"name\\": \\"f\\", \\"arguments\\": {\\"a\\": 1}}"},
                         {"from": "observation", "value": "1"}, {"from": "gpt", "value": "A"},
                         {"from": "human", "value": "R"},
                         {"from": "function_call", "value": "{\\"name\\": \\"f\\", \\"arguments\\": {\\"a\\": 2}}"},
                         {"from": "observation", "value": "2"}, {"from": "gpt", "value": "B"}],
                         "tools": "[{\\"name\\": \\"f\\"}]"}\
                        """);
        assertThat(Json.line(usual.row()))
                .containsSubsequence(
                        "\"id\": \"call_1\"",
                        "\"tool_call_id\": \"call_1\"",
                        "\"id\": \"call_2\"",
                        "\"tool_call_id\": \"call_2\"")
                .contains("\"tools\": [{");
        assertThat(new RowRules(1).row(RowFormat.CHAT, usual.row())).isPresent();
    }

    private static final String TWO_CALLS =
            """
            {"role": "assistant", "content": "", "tool_calls": [\
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}, \
            {"id": "b", "type": "function", "function": {"name": "g", "arguments": "{}"}}]}, \
            {"role": "tool", "tool_call_id": "a", "content": "1"}, \
            {"role": "tool", "tool_call_id": "b", "content": "2"}\
            """;

    /// No system text that nobody wrote, and results of calls side by side stay messages of their
    /// own: joining them is what a template does.
    @Test
    void importsAddNothing() {
        String rows =
                """
                {"messages": [{"role": "user", "content": "Q"}, %s, \
                {"role": "assistant", "content": "A"}], \
                "tools": [{"type": "function", "function": {"name": "f"}}]}\
                """
                        .formatted(TWO_CALLS);
        assertThat(Json.line(row(rows).row())).isEqualTo(rows);

        DatasetEntry entry = DatasetEntry.usual("", Layout.OPENAI, false);
        assertThat(UsualRow.of(tree(rows), entry).row()).isEqualTo(tree(rows));
        for (String given :
                List.of(
                        "{\"instruction\": \"Q\", \"output\": \"A\", \"tools\": [{\"name\": \"f\"}]}",
                        "{\"conversations\": [{\"from\": \"human\", \"value\": \"Q\"},"
                                + " {\"from\": \"gpt\", \"value\": \"A\"}], \"tools\": [{\"name\": \"f\"}]}")) {
            assertThat(row(given).row().get("messages"))
                    .isEqualTo(
                            List.of(
                                    Map.of("role", "user", "content", "Q"),
                                    Map.of("role", "assistant", "content", "A")));
        }
    }

    /// A conversation that ends with a result of a call is not cut in silence.
    @Test
    void resultsAtTheEndAreRefusedOrKept() {
        DatasetEntry entry = DatasetEntry.usual("", Layout.OPENAI, false);
        String rows =
                "{\"messages\": [{\"role\": \"user\", \"content\": \"Q\"}, %s]}"
                        .formatted(TWO_CALLS);
        assertThat(UsualRow.of(tree(rows), entry).problem())
                .contains("the conversation ends with no answer");
        assertThat(row(rows).row()).as("rows that need no change are kept").isEqualTo(tree(rows));
        assertThat(
                        row("{\"conversations\": [{\"from\": \"human\", \"value\": \"Q\"},"
                                        + " {\"from\": \"function_call\", \"value\": \"{\\\"name\\\": \\\"f\\\"}\"},"
                                        + " {\"from\": \"observation\", \"value\": \"1\"}]}")
                                .problem())
                .contains("the conversation ends with no answer");
    }

    /// Templates write them as JSON, and another process has to write the same.
    @Test
    void keysOfFunctionsAndCallsHaveAnOrder() {
        String rows =
                """
                {"conversations": [{"from": "human", "value": "Q"},\
                 {"from": "function_call", "value": "{\\"name\\": \\"f\\", \\"arguments\\": {}}"}],\
                 "tools": [{"name": "f"}]}\
                """;
        assertThat(Json.line(row(rows).row()))
                .contains(
                        """
                        [{"id": "call_1", "type": "function", \
                        "function": {"name": "f", "arguments": "{}"}}]\
                        """)
                .contains("\"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"f\"}}]");
    }

    @Test
    void aBrokenConversationSaysWhichTurnIsWrong() {
        assertThat(row("{\"conversations\": [{\"from\": \"gpt\", \"value\": \"A\"}]}").problem())
                .contains("turn 1 is not a question");
    }

    @ParameterizedTest
    @CsvSource({
        "'instruction,output', CSV",
        "'a\ttext', TSV",
        "'[{}]', JSON",
        "'{\"a\": 1}', JSON_LINES",
        "PAR1, PARQUET",
        "ARROW1, ARROW"
    })
    void kindsAreRecognisedByTheirBytes(String head, FileKind kind) {
        assertThat(FileKind.of(head.getBytes(StandardCharsets.UTF_8), "")).contains(kind);
    }
}
