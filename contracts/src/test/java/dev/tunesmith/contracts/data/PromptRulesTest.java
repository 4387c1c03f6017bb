package dev.tunesmith.contracts.data;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import dev.tunesmith.contracts.TestingJson;
import dev.tunesmith.contracts.inspect.Finding;
import dev.tunesmith.contracts.inspect.FindingKind;
import dev.tunesmith.contracts.problem.Problem;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Rows with a prompt, with or without what follows it.
class PromptRulesTest {

    private static Map<String, Object> tree(String json) throws JsonProcessingException {
        return TestingJson.MAPPER.readValue(json.replace('\'', '"'), new TypeReference<>() {});
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'prompt':'Hi','completion':'Hello!'}",
                "{'prompt':[{'role':'user','content':'Hi'}],"
                        + "'completion':[{'role':'assistant','content':'Hello!'}]}",
                "{'prompt':'Hi','completion':[{'role':'assistant','content':'Hello!'}]}",
                "{'prompt':[{'role':'user','content':'Hi'}],'completion':'Hello!','tools':[]}",
                "{'prompt':'Hi','answer':'Hello!'}",
                "{'prompt':[{'role':'system','content':'S'},{'role':'user','content':'Hi'}]}"
            })
    void readsTheShapesOfTrl(String json) throws JsonProcessingException {
        Map<String, Object> tree = tree(json);
        assertThat(RowFormat.of(tree)).contains(RowFormat.COMPLETION);
        RowRules rules = new RowRules(1);
        assertThat(rules.row(RowFormat.COMPLETION, tree)).as(rules.found().toString()).isPresent();
        assertThat(rules.notes()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "{'prompt':''}|prompt",
                "{'prompt':[]}|prompt",
                "{'prompt':7}|prompt",
                "{'prompt':'Hi','completions':'x'}|completions",
                "{'prompt':'Hi','completion':''}|completion",
                "{'prompt':'Hi','completion':[]}|completion",
                "{'prompt':'Hi','completion':[{'role':'user','content':'x'}]}|completion",
                "{'prompt':'Hi','completion':[{'role':'assistant','content':'x','weight':0}]}"
                        + "|completion",
                "{'prompt':[{'role':'usr','content':'Hi'}]}|prompt.0.role",
                "{'prompt':[{'role':'assistant','content':'Hi'}]}|prompt",
                "{'prompt':[{'role':'user','content':'Hi'},{'role':'assistant','content':'x'}],"
                        + "'completion':[{'role':'assistant','content':'y'}]}|prompt",
                "{'prompt':'Hi','completion':'x','tools':'f'}|tools",
                "{'prompt':'Hi','completion':[{'role':'assistant','contents':'x'}]}"
                        + "|completion.0.contents"
            })
    void namesWhatIsWrong(String json, String param) throws JsonProcessingException {
        RowRules rules = new RowRules(7);
        assertThat(rules.row(RowFormat.COMPLETION, tree(json))).isEmpty();
        assertThat(rules.found()).extracting(Problem::param).contains(param);
        assertThat(rules.found()).extracting(Problem::line).containsOnly(7L);
    }

    @Test
    void turnsThatDoNotAlternateAreNoted() throws JsonProcessingException {
        RowRules rules = new RowRules(3);
        String twice = "{'role':'user','content':'Hi'}";
        assertThat(
                        rules.row(
                                RowFormat.COMPLETION,
                                tree("{'prompt':[%s,%s]}".formatted(twice, twice))))
                .isPresent();
        assertThat(rules.notes()).extracting(Finding::kind).containsExactly(FindingKind.ROLE_ORDER);
    }
}
