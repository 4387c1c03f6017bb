package dev.tunesmith.contracts.dataset;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import dev.tunesmith.contracts.TestingJson;
import dev.tunesmith.contracts.data.RowFormat;
import dev.tunesmith.contracts.data.RowRules;
import dev.tunesmith.contracts.mixture.Reading;
import dev.tunesmith.contracts.mixture.RowConversion;
import dev.tunesmith.contracts.mixture.Shape;
import dev.tunesmith.contracts.tool.Json;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Conversations in OpenAI's words under columns and tags, as most entries of a `dataset_info.json`
/// name them.
final class TaggedTurnsTest {

    private static final Map<String, String> COLUMNS =
            Map.of(
                    "messages", "messages",
                    "tools", "tools",
                    "chosen", "better",
                    "rejected", "worse",
                    "kto_tag", "good");
    private static final Map<String, String> TAGS =
            Map.of(
                    "role_tag", "role",
                    "content_tag", "content",
                    "user_tag", "user",
                    "assistant_tag", "assistant",
                    "observation_tag", "tool",
                    "function_tag", "function_call",
                    "system_tag", "system");

    private static UsualRow row(Shape shape, String json) throws JsonProcessingException {
        Map<String, Object> tree =
                TestingJson.MAPPER.readValue(json.replace('\'', '"'), new TypeReference<>() {});
        UsualRow row =
                new RowConversion(
                                new Reading(
                                        null, shape, json.contains("'worse'"), COLUMNS, TAGS, null),
                                false)
                        .of(tree);
        assertThat(row.problem()).isEmpty();
        RowRules rules = new RowRules(1);
        assertThat(rules.row(RowFormat.of(row.row()).orElseThrow(), row.row()))
                .as(rules.found().toString())
                .isPresent();
        return row;
    }

    private static List<?> messages(UsualRow row) {
        return (List<?>) row.row().getOrDefault("messages", List.of());
    }

    @ParameterizedTest
    @EnumSource(names = {"OPENAI", "SHAREGPT"})
    void weightsThoughtsAndPartsStay(Shape shape) throws JsonProcessingException {
        UsualRow row =
                row(
                        shape,
                        "{'messages':["
                                + "{'role':'system','content':[{'type':'text','text':'S'}]},"
                                + "{'role':'user','content':[{'type':'text','text':'Q'}]},"
                                + "{'role':'assistant','content':'wrong','weight':0},"
                                + "{'role':'user','content':'again','name':'Ann'},"
                                + "{'role':'assistant','content':'A','weight':1,"
                                + "'reasoning_content':'hm'}]}");
        assertThat(Json.line(messages(row)))
                .isEqualTo(
                        """
                        [{"role": "system", "content": [{"type": "text", "text": "S"}]}, \
                        {"role": "user", "content": [{"type": "text", "text": "Q"}]}, \
                        {"role": "assistant", "content": "wrong", "weight": 0}, \
                        {"role": "user", "content": "again", "name": "Ann"}, \
                        {"role": "assistant", "content": "A", "reasoning_content": "hm", "weight": 1}]\
                        """);
    }

    @ParameterizedTest
    @EnumSource(names = {"OPENAI", "SHAREGPT"})
    void callsKeepTheirNamesAndTheTextBesideThem(Shape shape) throws JsonProcessingException {
        UsualRow row =
                row(
                        shape,
                        "{'messages':[{'role':'user','content':'Q'},"
                                + "{'role':'assistant','content':'I look.','weight':0,"
                                + "'tool_calls':[{'id':'x9','type':'function',"
                                + "'function':{'name':'f','arguments':'{}'}}]},"
                                + "{'role':'tool','tool_call_id':'x9','content':'1'},"
                                + "{'role':'assistant','content':'A'}]}");
        assertThat(Json.line(messages(row)))
                .contains("\"content\": \"I look.\"", "\"weight\": 0", "\"id\": \"x9\"")
                .contains("\"tool_call_id\": \"x9\"")
                .doesNotContain("call_1");
    }

    @Test
    void aResultWithoutANameAnswersTheCallBeforeIt() throws JsonProcessingException {
        UsualRow row =
                row(
                        Shape.OPENAI,
                        "{'messages':[{'role':'user','content':'Q'},"
                                + "{'role':'assistant','tool_calls':[{'id':'x9',"
                                + "'function':{'name':'f','arguments':'{}'}}]},"
                                + "{'role':'tool','content':'1'},"
                                + "{'role':'assistant','content':'A'}]}");
        assertThat(Json.line(messages(row))).contains("\"tool_call_id\": \"x9\"");
    }

    @Test
    void bothAnswersOfAPairKeepTheirThoughts() throws JsonProcessingException {
        UsualRow row =
                row(
                        Shape.SHAREGPT,
                        "{'messages':[{'role':'user','content':'Q'}],"
                                + "'better':{'role':'assistant','content':'A',"
                                + "'reasoning_content':'hm'},"
                                + "'worse':{'role':'assistant','content':'B',"
                                + "'reasoning_content':'no'}}");
        assertThat(Json.line(row.row().get("chosen"))).contains("hm");
        assertThat(Json.line(row.row().get("rejected"))).contains("no");
    }

    @ParameterizedTest
    @ValueSource(strings = {"true", "'true'", "'False'", "'1'", "0"})
    void aVerdictMayBeACellOfATable(String cell) throws JsonProcessingException {
        UsualRow row =
                row(
                        Shape.SHAREGPT,
                        ("{'messages':[{'role':'user','content':'Q'},"
                                        + "{'role':'assistant','content':'A'}],'good':%s}")
                                .formatted(cell));
        assertThat(row.row().get("label")).isEqualTo(cell.contains("rue") || cell.contains("1"));
    }
}
