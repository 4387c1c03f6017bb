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
}
