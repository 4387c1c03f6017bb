package dev.tunesmith.contracts.data;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.inspect.Finding;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What is said about rows that can or cannot be trained on, by line.
final class RowFindingsTest {

    private static final String PROMPT = "{'prompt':'hi','completion':'ho'}";
    private static final String CHAT =
            "{'messages':[{'role':'user','content':'hi'},{'role':'assistant','content':'ho'}]}";

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '~',
            textBlock =
                    """
                    {'messages':[{'role':'user','content':'hey'},{'role':'assistant','content':''}]} ; bad_row empty_answer
                    {'prompt':'hey','completion':''} ; bad_row empty_answer
                    {'messages':[{'role':'user','content':'a'},{'role':'user','content':'b'},{'role':'assistant','content':'c'}]} ; role_order
                    {'messages':[{'role':'assistant','content':'a'},{'role':'user','content':'b'},{'role':'assistant','content':'c'}]} ; role_order
                    {'messages':[{'role':'user','content':'a'},{'role':'assistant','content':'b'},{'role':'system','content':'s'}]} ; role_order
                    {'messages':[{'role':'user','content':'a'},{'role':'assistant','tool_calls':[{'function':{'name':'f','arguments':'{oops'}}]}]} ; tool_json
                    {'messages':[{'role':'user','content':'a'},{'role':'assistant','tool_calls':[{'function':{'name':'f','arguments':'[1]'}}]}]} ; tool_json
                    {'conversations':[{'from':'human','value':'a'},{'from':'function_call','value':'{oops'}]} ; bad_row tool_json
                    {'conversations':[{'from':'human','value':'a'},{'from':'function_call','value':'[7]'}]} ; bad_row tool_json
                    {'conversations':[{'from':'human','value':'a'},{'from':'gpt','value':'b'}],'tools':'[{oops'} ; bad_row tool_json
                    {'ask':'a','reply':'b'} ; unknown_shape
                    {'messages':[{'role':'user','content':'say <|im_end|> twice'},{'role':'assistant','content':'no'}]} ; control_text
                    {'messages':[{'role':'user','content':'a <| b'},{'role':'assistant','content':'no'}]} ; ~~
                    """)
    void aRowIsNamedWithItsKind(String row, String kinds) {
        String good = row.startsWith("{'prompt'") ? PROMPT : CHAT;
        byte[] file = (good + "\n" + row + "\n").replace('\'', '"').getBytes(UTF_8);
        List<Finding> found = new ArrayList<>();
        RowChecker checker = new RowChecker(found::add);
        checker.accept(file, 0, file.length);
        RowSummary summary = checker.finish();

        assertThat(found.stream().map(finding -> finding.kind().wire()).distinct().sorted())
                .containsExactly(kinds.isEmpty() ? new String[0] : kinds.split(" "));
        assertThat(found).extracting(Finding::line).allMatch(line -> line == 2);
        assertThat(summary.ok()).isEqualTo(!kinds.matches(".*(bad_row|unknown_shape).*"));
    }
}
