package dev.tunesmith.inference.chat;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.tool.Signatures;
import dev.tunesmith.contracts.tool.ToolFormat;
import dev.tunesmith.inference.chat.CallReader.Call;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class CallReaderTest {
    private static final String ANSWER =
            """
            Let me look.
            <tool_call>
            {"name": "weather", "arguments": {"city": "Köln"}}
            </tool_call>
            <tool_call>{"name": "time", "arguments": {}}</tool_call>\
            """;

    @Test
    void findsCallsHoweverTheTextIsCut() {
        for (int size = 1; size <= ANSWER.length(); size++) {
            var text = new StringBuilder();
            var calls = new ArrayList<Call>();
            var reader = new CallReader(() -> "call_1", ToolFormat.QWEN, Signatures.UNKNOWN);
            for (int at = 0; at < ANSWER.length(); at += size) {
                int end = Math.min(ANSWER.length(), at + size);
                take(reader.accept(ANSWER.substring(at, end), false), text, calls);
            }
            take(reader.accept("", true), text, calls);

            assertThat(text).as("pieces of " + size).hasToString("Let me look.");
            assertThat(calls)
                    .containsExactly(
                            new Call("call_1", "weather", "{\"city\":\"Köln\"}"),
                            new Call("call_1", "time", "{}"));
            assertThat(reader.hasCalled()).isTrue();
        }
    }

    @Test
    void whatIsNoCallStaysText() {
        for (String text :
                List.of(
                        "a < b and <tool",
                        "<tool_call>no json</tool_call>",
                        "<tool_call>{\"arguments\":{}}</tool_call> end",
                        "never closed <tool_call>{\"name\":\"x\"",
                        "blanks at the end \n ")) {
            var reader = new CallReader(() -> "call_1", ToolFormat.QWEN, Signatures.UNKNOWN);
            String first = reader.accept(text, false).text();
            CallReader.Read rest = reader.accept("", true);

            assertThat((first + rest.text()).replaceAll("\\s", ""))
                    .isEqualTo(text.replaceAll("\\s", ""));
            assertThat(reader.hasCalled()).isFalse();
        }
    }

    @Test
    void aWholeAnswerMayBeACall() {
        var reader = new CallReader(() -> "call_1", ToolFormat.LLAMA3, Signatures.UNKNOWN);
        assertThat(reader.accept("{\"name\": \"f\",", false).text()).isEmpty();
        assertThat(reader.accept(" \"parameters\": {\"a\": 1}}", true).calls())
                .containsExactly(new Call("call_1", "f", "{\"a\":1}"));
    }

    @Test
    void anAnswerThatCannotBecomeACallIsNotHeldBack() {
        var reader = new CallReader(() -> "call_1", ToolFormat.LLAMA3, Signatures.UNKNOWN);
        assertThat(reader.accept("Hel", false).text()).isEqualTo("Hel");
        assertThat(reader.accept("lo {", true).text()).isEqualTo("lo {");
        assertThat(reader.hasCalled()).isFalse();
    }

    private static void take(CallReader.Read read, StringBuilder text, List<Call> calls) {
        text.append(read.text());
        calls.addAll(read.calls());
    }

    @Test
    void anAnswerThatIsNoNameIsLetThroughWhereCallsBeginWithOne() {
        Signatures functions = Signatures.of(List.of(Map.of("name", "f")));
        var text = new CallReader(() -> "call_1", ToolFormat.GLM4, functions);
        assertThat(text.accept("It", false).text()).isEmpty();
        assertThat(text.accept(" is", false).text()).isEqualTo("It is");

        var call = new CallReader(() -> "call_1", ToolFormat.GLM4, functions);
        assertThat(call.accept("f\n{\"a\"", false).text()).isEmpty();
        assertThat(call.accept(": 1}", true).calls())
                .containsExactly(new Call("call_1", "f", "{\"a\":1}"));

        var other = new CallReader(() -> "call_1", ToolFormat.GLM4, functions);
        assertThat(other.accept("Result:\n{}", true).text()).isEqualTo("Result:\n{}");
    }

    @Test
    void aTextStaysATextWhereTheFunctionTakesOne() {
        Map<String, Object> code = Map.of("code", Map.of("type", "string"));
        Signatures functions =
                Signatures.of(
                        List.of(
                                Map.of(
                                        "type",
                                        "function",
                                        "function",
                                        Map.of(
                                                "name",
                                                "f",
                                                "parameters",
                                                Map.of("properties", code)))));
        String answer =
                "<tool_call>\n<function=f>\n<parameter=code>\n12\n</parameter>\n</function>\n</tool_call>";
        assertThat(
                        new CallReader(() -> "c", ToolFormat.QWEN3_5, functions)
                                .accept(answer, true)
                                .calls())
                .containsExactly(new Call("c", "f", "{\"code\":\"12\"}"));
    }
}
