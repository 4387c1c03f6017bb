package dev.tunesmith.contracts.data;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.problem.Problem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Rows with a better and a worse answer.
class PairRulesTest {

    private static final String WIRE =
            """
            {"input":{"messages":[{"role":"user","content":"Hi"}],"tools":[]},\
            "preferred_output":[{"role":"assistant","content":"Hello!"}],\
            "non_preferred_output":[{"role":"assistant","content":"What?"}]}
            """;
    private static final String TEXTS =
            "{\"prompt\":\"Hi\",\"chosen\":\"Hello!\",\"rejected\":\"What?\"}\n";
    private static final String TURNS =
            """
            {"prompt":[{"role":"user","content":"Hi"}],\
            "chosen":[{"role":"assistant","content":"Hello!"}],\
            "rejected":[{"role":"assistant","content":"What?"}],"margin":0.5}
            """;
    private static final String WHOLE =
            """
            {"chosen":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello!"}],\
            "rejected":[{"role":"user","content":"Hi"},{"role":"assistant","content":"What?"}]}
            """;

    private static RowSummary check(String rows) {
        var checker = new RowChecker();
        byte[] bytes = rows.getBytes(UTF_8);
        checker.accept(bytes, 0, bytes.length);
        return checker.finish();
    }

    @Test
    void acceptsAllShapesOfAPair() {
        RowSummary summary = check(WIRE + TEXTS + TURNS + WHOLE);
        assertThat(summary.problems()).isEmpty();
        assertThat(summary.format()).isEqualTo(RowFormat.PREFERENCE);
        assertThat(summary.rows()).isEqualTo(4);
    }

    @Test
    void refusesPairsAmongConversations() {
        String chat =
                "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\"}]}\n";
        assertThat(check(chat + WIRE).problems().getFirst().text())
                .isEqualTo("line 2: is a row of format preference, but line 1 is of format chat");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "'input':{'messages':[{'role':'user','content':'Hi'}]}|'input':{}|input.messages",
                "'content':'What?'|'content':'Hello!'|non_preferred_output",
                "'role':'user'|'role':'assistant'|input.messages",
                "[{'role':'assistant','content':'Hello!'}]|[]|preferred_output",
                "'content':'What?'|'contents':'What?'|non_preferred_output.0.contents",
                "'tools':[]|'tools':7|input.tools"
            })
    void namesTheLineAndTheFieldOfAFault(String good, String bad, String field) {
        String row =
                WIRE.replace(",\"tools\":[]", good.contains("tools") ? ",\"tools\":[]" : "")
                        .replace(good.replace('\'', '"'), bad.replace('\'', '"'));
        RowSummary summary = check(WIRE + row);
        assertThat(summary.problems()).as(row).isNotEmpty();
        Problem problem = summary.problems().getFirst();
        assertThat(problem.line()).isEqualTo(2);
        assertThat(problem.param()).isEqualTo(field);
    }

    @Test
    void refusesConversationsThatShareNothing() {
        String row = WHOLE.replaceFirst("\"Hi\"", "\"Ho\"");
        assertThat(check(row).problems().getFirst().message()).contains("in common");
    }

    @Test
    void refusesATextWithoutItsPrompt() {
        assertThat(check("{\"chosen\":\"a\",\"rejected\":\"b\"}").problems().getFirst().param())
                .isEqualTo("prompt");
    }
}
