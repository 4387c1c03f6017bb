package dev.tunesmith.contracts.tool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.contracts.tool.ToolFormat.Reading;
import java.time.LocalDate;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class ToolFormatTest {

    private static final ToolCall CALL =
            new ToolCall(
                    "get_weather", "{\"city\": \"Köln 天气\", \"days\": 2, \"deep\": [true, null]}");

    @ParameterizedTest
    @EnumSource(ToolFormat.class)
    void findsTheCallThatItWrote(ToolFormat format) {
        assertThat(format.calls(format.text(List.of(CALL)), Reading.EXACT))
                .hasSize(1)
                .first()
                .satisfies(found -> {
                    assertThat(found.name()).isEqualTo(CALL.name());
                    assertThat(JsonReader.read(found.arguments()))
                            .isEqualTo(JsonReader.read(CALL.arguments()));
                });
    }

    @ParameterizedTest
    @EnumSource(ToolFormat.class)
    void findsParallelCallsInOrder(ToolFormat format) {
        if (format == ToolFormat.GLM4) {
            assertThatThrownBy(() -> format.text(List.of(CALL, CALL)))
                    .isInstanceOf(MalformedCallException.class);
            return;
        }
        List<ToolCall> calls = List.of(CALL, new ToolCall("g", "{}"));
        assertThat(format.calls(format.text(calls), Reading.EXACT))
                .extracting(ToolCall::name)
                .containsExactly("get_weather", "g");
    }

    @ParameterizedTest
    @EnumSource(ToolFormat.class)
    void aTextIsNoCall(ToolFormat format) {
        for (String text : List.of("", "Hello", "42", "null", "[]", "{", "<tool_call>", "a\nb")) {
            assertThat(format.calls(text, Reading.EXACT)).as(text).isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource(ToolFormat.class)
    void mutatedAnswersNeverMakeTheReaderFail(ToolFormat format) {
        Random random = new Random(7);
        String written = format.text(List.of(CALL));
        for (int i = 0; i < 500; i++) {
            StringBuilder mutant = new StringBuilder(written);
            for (int m = random.nextInt(4); m >= 0; m--) {
                int at = random.nextInt(mutant.length());
                switch (random.nextInt(3)) {
                    case 0 -> mutant.deleteCharAt(at);
                    case 1 -> mutant.insert(at, "{\"\\<>[(\uD800".charAt(random.nextInt(8)));
                    default -> mutant.insert(at, mutant.substring(0, at));
                }
            }
            assertThat(format.calls(mutant.toString(), Reading.EXACT)).isNotNull();
        }
    }

    @ParameterizedTest
    @EnumSource(ToolFormat.class)
    void nestedBracketsEndInAText(ToolFormat format) {
        String deep = "[{\"a\":".repeat(20_000);
        assertThat(format.calls(deep, Reading.EXACT)).isEmpty();
        assertThat(format.calls("<|tool_call_start|>" + deep + "<|tool_call_end|>", Reading.EXACT))
                .isEmpty();
    }

    @ParameterizedTest
    @EnumSource(ToolFormat.class)
    void describesAToolByItsName(ToolFormat format) {
        Map<String, Object> tool = Map.of("type", "function", "function", Map.of("name", "f"));
        assertThat(format.description(List.of(tool), LocalDate.of(2024, 2, 29))).contains("f");
    }

    @Test
    void aTemplateShowsItsFormat() {
        assertThat(ToolFormat.shownBy("… <tool_call>\n{\"name\" …")).contains(ToolFormat.QWEN);
        assertThat(ToolFormat.shownBy("<tool_call><function=")).contains(ToolFormat.QWEN3_5);
        assertThat(ToolFormat.shownBy("ipython … \"parameters\": ")).contains(ToolFormat.LLAMA3);
        assertThat(ToolFormat.shownBy("<|im_start|>")).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(ToolFormat.class)
    void marksStandAroundCalls(ToolFormat format) {
        String text = format.text(List.of(CALL)).strip();
        format.marks()
                .ifPresent(
                        marks -> assertThat(text).startsWith(marks.open()).endsWith(marks.close()));
        assertThat(format.mayBeCall(text)).isTrue();
    }

    @Test
    void aTextInATagStaysATextIfItIsNoJson() {
        assertThat(
                        ToolFormat.QWEN3_5.calls(
                                "<tool_call><function=f><parameter=zip>01234</parameter>"
                                        + "</function></tool_call>",
                                Reading.EXACT))
                .containsExactly(new ToolCall("f", "{\"zip\": \"01234\"}"));
    }

    private static final List<Map<String, Object>> TYPED =
            List.of(
                    Map.of(
                            "type",
                            "function",
                            "function",
                            Map.of(
                                    "name",
                                    "f",
                                    "description",
                                    "d",
                                    "parameters",
                                    Map.of(
                                            "type",
                                            "object",
                                            "properties",
                                            Map.of(
                                                    "text",
                                                    Map.of("type", "string"),
                                                    "word",
                                                    Map.of("enum", List.of("1", "true")),
                                                    "count",
                                                    Map.of("type", "integer"),
                                                    "share",
                                                    Map.of("type", List.of("number", "null")),
                                                    "either",
                                                    Map.of(
                                                            "anyOf",
                                                            List.of(
                                                                    Map.of("type", "string"),
                                                                    Map.of("type", "boolean"))),
                                                    "list",
                                                    Map.of("type", "array"))))));

    /// Kills: reading the values of tags without the schema.
    @ParameterizedTest
    @EnumSource(ToolFormat.class)
    void whatAFunctionTakesDecidesWhatAValueIs(ToolFormat format) {
        Signatures functions = Signatures.of(TYPED);
        for (String text :
                List.of(
                        "true",
                        "12",
                        "-1.5",
                        "null",
                        "{}",
                        "[1]",
                        "\\\"12\\\"",
                        " 12 ",
                        "1e3",
                        "plain",
                        "\\n12\\n",
                        "Köln")) {
            String arguments =
                    """
                    {"count": 12, "either": "%s", "list": ["1", 2], "share": 1, "text": "%s", "word": "1"}\
                    """
                            .formatted(text.equals("true") ? "12" : text, text);
            assertThat(JsonReader.read(found(format, arguments, functions)))
                    .as("%s of %s", text, format)
                    .isEqualTo(JsonReader.read(arguments));
        }
        String other = "{\"either\": true, \"share\": null, \"text\": \"\", \"unknown\": 7}";
        assertThat(JsonReader.read(found(format, other, functions)))
                .isEqualTo(JsonReader.read(other));
    }

    private static String found(ToolFormat format, String arguments, Signatures functions) {
        String answer = format.text(List.of(new ToolCall("f", arguments)));
        List<ToolCall> calls = format.calls(answer, Reading.EXACT, functions);
        assertThat(calls).as(answer).hasSize(1);
        return calls.getFirst().arguments();
    }

    @Test
    void withoutASchemaAValueIsJsonIfItCanBe() {
        Signatures bare = Signatures.of(List.of(Map.of("name", "f")));
        for (Signatures functions : List.of(Signatures.UNKNOWN, bare)) {
            assertThat(found(ToolFormat.QWEN3_5, "{\"a\": \"12\", \"b\": \"x\"}", functions))
                    .isEqualTo("{\"a\": 12, \"b\": \"x\"}");
        }
    }

    @Test
    void whereCallsHaveNoMarksOnlyAFunctionThatThereIsCanBeCalled() {
        String answer = "Result\n{\"a\": 1}";
        assertThat(ToolFormat.GLM4.calls(answer, Reading.EXACT)).hasSize(1);
        assertThat(ToolFormat.GLM4.calls(answer, Reading.EXACT, Signatures.of(TYPED))).isEmpty();
    }

    /// A template that tells of functions and writes calls as a format does shows that format.
    @ParameterizedTest
    @EnumSource(ToolFormat.class)
    void aTemplateShowsItsFormat(ToolFormat format) {
        String template =
                format.description(TYPED, LocalDate.of(2024, 2, 29))
                        + format.text(List.of(new ToolCall("f", "{\"a\": 1}")));
        assertThat(ToolFormat.shownBy(template)).contains(format);
    }
}
