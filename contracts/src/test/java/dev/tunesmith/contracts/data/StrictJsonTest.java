package dev.tunesmith.contracts.data;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class StrictJsonTest {

    private final StrictJson json = new StrictJson();

    @Test
    void readsEveryKindOfValue() throws MalformedLineException {
        assertThat(json.read(" {\"a\" : [1, -2.5e1, true, false, null, \"x\"] , \"b\":{}}\t"))
                .isEqualTo(
                        Map.of(
                                "a",
                                Arrays.asList(1, -25.0, true, false, null, "x"),
                                "b",
                                Map.of()));
        assertThat(json.read("12345678901")).isEqualTo(12_345_678_901L);
        assertThat(json.read("-9223372036854775808")).isEqualTo(Long.MIN_VALUE);
        assertThat(json.read("9223372036854775808"))
                .isEqualTo(new BigInteger("9223372036854775808"));
    }

    @Test
    void readsTextsOfAllKinds() throws MalformedLineException {
        assertThat(json.read("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00 ü漢😀\""))
                .isEqualTo("\"\\/\b\f\n\r\té😀 ü漢😀");
        assertThat(json.read("\"ü\\nü\"")).isEqualTo("ü\nü");
    }

    @Test
    void keysThatRepeatFromLineToLineAreRight() throws MalformedLineException {
        for (int i = 0; i < 2000; i++) {
            String key = "key" + (i % 700);
            assertThat(json.read("{\"%s\":%d}".formatted(key, i))).isEqualTo(Map.of(key, i));
        }
        assertThat(json.read("{\"ключ\":1}")).isEqualTo(Map.of("ключ", 1));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{'a':1,'a':2}|the key \"a\" stands twice at column 8",
                "{'a':null,'a':null}|stands twice",
                "[NaN]|expected a value at column 2",
                "[Infinity]|expected a value",
                "[1,]|expected a value at column 4",
                "[01]|expected a value",
                "[1.]|expected a digit",
                "[1e999]|too large",
                "['\\uD83D']|half of a surrogate pair",
                "['\\uDE00\\uD83D']|half of a surrogate pair",
                "['\\x']|unknown escape",
                "['\\u12g4']|hexadecimal",
                "{'a' 1}|expected ':'",
                "{'a':1|ends inside of an object",
                "['a|ends inside of a text",
                "[1|ends inside of a list",
                "{} {}|something follows the value at column 4",
                "{a:1}|expected a key",
                "['a',]|expected a value",
                "// x|expected a value"
            })
    void saysWhatIsWrongAndWhere(String text, String reason) {
        assertThatThrownBy(() -> json.read(text.replace('\'', '"')))
                .isInstanceOf(MalformedLineException.class)
                .hasMessageContaining(reason);
    }

    @Test
    void depthAndNumbersAreBounded() throws MalformedLineException {
        assertThat(json.read("[".repeat(64) + "]".repeat(64))).isInstanceOf(List.class);
        assertThatThrownBy(() -> json.read("[".repeat(65) + "]".repeat(65)))
                .hasMessageContaining("nest deeper than 64");
        assertThatThrownBy(() -> json.read("1".repeat(41))).hasMessageContaining("more than 40");
        assertThatThrownBy(() -> json.read("\"a\u0000b\"")).hasMessageContaining("U+0000");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "C0AF",
                "C1BF",
                "E08080",
                "EDA080",
                "F0808080",
                "F4908080",
                "F5808080",
                "80",
                "C3"
            })
    void bytesThatAreNotUtf8AreRefused(String hex) {
        byte[] wrong = java.util.HexFormat.of().parseHex(hex);
        byte[] text = new byte[wrong.length + 2];
        text[0] = '"';
        System.arraycopy(wrong, 0, text, 1, wrong.length);
        text[wrong.length + 1] = '"';

        assertThatThrownBy(() -> json.read(text, 0, text.length)).hasMessageContaining("not UTF-8");
    }

    @Test
    void readsOnlyItsRange() throws MalformedLineException {
        byte[] text = "xx{\"a\":1}yy".getBytes(UTF_8);
        assertThat(json.read(text, 2, text.length - 2)).isEqualTo(Map.of("a", 1));
        assertThatThrownBy(() -> json.read(text, 2, 5)).hasMessageContaining("ends inside");
    }
}
