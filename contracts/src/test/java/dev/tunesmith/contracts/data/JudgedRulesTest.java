package dev.tunesmith.contracts.data;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import dev.tunesmith.contracts.TestingJson;
import dev.tunesmith.contracts.problem.Problem;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Rows with an answer and a verdict.
class JudgedRulesTest {

    private static Map<String, Object> tree(String json) throws JsonProcessingException {
        return TestingJson.MAPPER.readValue(json.replace('\'', '"'), new TypeReference<>() {});
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'prompt':'Hi','completion':'Hello!','label':true}",
                "{'prompt':[{'role':'user','content':'Hi'}],'label':true,"
                        + "'completion':[{'role':'assistant','content':'Hello!'}]}",
                "{'messages':[{'role':'user','content':'Hi'},"
                        + "{'role':'assistant','content':'Hello!'}],'kto_tag':true}",
                "{'messages':[{'role':'user','content':'Hi'},"
                        + "{'role':'assistant','content':'Hello!'}],'label':true}"
            })
    void readsEveryShape(String json) throws JsonProcessingException {
        Map<String, Object> tree = tree(json);
        assertThat(RowFormat.of(tree)).contains(RowFormat.JUDGED);
        RowRules rules = new RowRules(1);
        Row.Judged row = (Row.Judged) rules.row(RowFormat.JUDGED, tree).orElseThrow();
        assertThat(row.desirable()).isTrue();
        assertThat(row.prompt()).extracting(Row.Message::content).containsExactly("Hi");
        assertThat(row.answer()).extracting(Row.Message::content).containsExactly("Hello!");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "{'prompt':'Hi','completion':'Hello!','kto_tag':'yes'}|kto_tag",
                "{'prompt':'','completion':'Hello!','label':true}|prompt",
                "{'prompt':'Hi','completion':'','label':false}|completion",
                "{'messages':[{'role':'user','content':'Hi'}],'kto_tag':true}|messages",
                "{'messages':[{'role':'assistant','content':'Hi'},{'role':'user','content':'?'}],"
                        + "'label':true}|messages"
            })
    void namesWhatIsWrong(String json, String param) throws JsonProcessingException {
        RowRules rules = new RowRules(7);
        assertThat(rules.row(RowFormat.JUDGED, tree(json))).isEmpty();
        List<Problem> found = rules.found();
        assertThat(found).extracting(Problem::param).contains(param);
        assertThat(found).extracting(Problem::line).containsOnly(7L);
    }

    @Test
    void otherFilesKeepTheirLabels() throws JsonProcessingException {
        Map<String, Object> prompt =
                tree("{'messages':[{'role':'user','content':'Hi'}],'label':'greeting'}");
        assertThat(RowFormat.of(prompt)).contains(RowFormat.CHAT);
        Map<String, Object> pair = tree("{'prompt':'a','chosen':'b','rejected':'c','label':true}");
        assertThat(RowFormat.of(pair)).contains(RowFormat.PREFERENCE);
    }
}
