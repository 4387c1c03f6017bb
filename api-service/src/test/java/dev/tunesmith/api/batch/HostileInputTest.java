package dev.tunesmith.api.batch;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.platform.json.Json;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Inputs of batches as strangers write them: each line is taken, or refused with its number and
/// one of OpenAI's codes, and what is kept of it is bounded.
final class HostileInputTest {
    private static final String CHAT = "/v1/chat/completions";
    private static final int LINE_MAX = 1 << 20;
    private static final int LINES_MAX = 50;

    private static String line(String id, String more) {
        return "{'custom_id':'%s','method':'POST','url':'%s','body':{'model':'nano'%s}}"
                .formatted(id, CHAT, more)
                .replace('\'', '"');
    }

    private static LineRules checked(byte[] file) throws IOException {
        var rules = new LineRules(CHAT, LINES_MAX, "nano"::equals);
        var lines = new InputLines(new ByteArrayInputStream(file), 0, 1, LINE_MAX);
        Optional<InputLines.Line> line = lines.next();
        while (line.isPresent() && rules.check(line.get())) {
            line = lines.next();
        }
        return rules;
    }

    private static List<String> errors(byte[] file) throws IOException {
        return checked(file).errors().stream()
                .map(error -> error.line() + " " + error.code())
                .toList();
    }

    /// The line as the second of three.
    private static List<String> errors(String line) throws IOException {
        return errors((line("a", "") + "\n" + line + "\n" + line("c", "")).getBytes(UTF_8));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            quoteCharacter = '`',
            value = {
                "{'custom_id':'b'~invalid_json_line",
                "[]~invalid_json_line",
                "null~invalid_json_line",
                "{} {}~invalid_json_line",
                "{'custom_id':'b','custom_id':'c'}~invalid_json_line",
                "{'custom_id':NaN}~invalid_json_line",
                "{'custom_id':-Infinity}~invalid_json_line",
                "{'custom_id':'a\\x'}~invalid_json_line",
            })
    void aLineThatIsNoObjectIsNamed(String line, String code) throws IOException {
        assertThat(errors(line.replace('\'', '"'))).containsExactly("2 " + code);
    }

    /// Kills: half a character or NUL in an id, which no answer could repeat.
    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            value = {
                "a~duplicate_custom_id",
                "\\ud800~invalid_custom_id",
                "x\\u0000~invalid_custom_id",
                "' '~invalid_custom_id"
            })
    void anIdIsRepeatedAsItIsOrRefused(String id, String code) throws IOException {
        assertThat(errors(line(id, ""))).containsExactly("2 " + code);
    }

    @Test
    void whatIsTooDeepOrTooLongIsNamed() throws IOException {
        String deep = "[".repeat(50_000) + "]".repeat(50_000);
        assertThat(errors(line("b", ",'messages':" + deep))).containsExactly("2 invalid_json_line");
        assertThat(errors("{'a':".repeat(50_000))).containsExactly("2 invalid_json_line");
        assertThat(errors(line("b", ",'n':" + "9".repeat(100_000))))
                .containsExactly("2 invalid_json_line");
        assertThat(errors(line("b", ",'user':'%s'".formatted("x".repeat(LINE_MAX)))))
                .containsExactly("2 request_too_large");
        assertThat(errors(line("b".repeat(513), ""))).containsExactly("2 invalid_custom_id");
        assertThat(errors("\0\0\0")).containsExactly("2 invalid_json_line");
    }

    @Test
    void bytesThatAreNoTextAreNamed() throws IOException {
        for (byte[] wrong :
                List.of(
                        new byte[] {(byte) 0xED, (byte) 0xA0, (byte) 0x80},
                        new byte[] {(byte) 0xC0, (byte) 0x80},
                        new byte[] {(byte) 0xFF, (byte) 0xFE})) {
            var file = new ByteArrayOutputStream();
            file.writeBytes((line("a", "") + "\n{\"custom_id\":\"").getBytes(UTF_8));
            file.writeBytes(wrong);
            file.writeBytes("\"}\n".getBytes(UTF_8));
            assertThat(errors(file.toByteArray())).containsExactly("2 invalid_json_line");
        }
    }

    /// Kills: a byte order mark as a part of the first line.
    @Test
    void aMarkAtTheStartAndReturnsAndBlankLinesAreNoFault() throws IOException {
        String file = "\uFEFF" + line("a", "") + "\r\n\r\n \t\r\n" + line("b", "") + "\r\n";
        assertThat(errors(file.getBytes(UTF_8))).isEmpty();
        assertThat(errors(("\uFEFF\uFEFF" + line("a", "")).getBytes(UTF_8)))
                .containsExactly("1 invalid_json_line");
        assertThat(errors((line("a", "") + "\n\uFEFF" + line("b", "")).getBytes(UTF_8)))
                .containsExactly("2 invalid_json_line");
        assertThat(errors("\uFEFF".getBytes(UTF_8))).containsExactly("1 invalid_json_line");
    }

    @Test
    void moreLinesThanAllowedAreNotRead() throws IOException {
        String file = "%s\n".formatted(line("x", "")).repeat(1000);
        LineRules rules = checked(file.getBytes(UTF_8));
        assertThat(rules.lines()).isEqualTo(LINES_MAX + 1);
        assertThat(rules.errors().getLast().code()).isEqualTo("too_many_tasks");
        assertThat(rules.errors().getLast().line()).isEqualTo(LINES_MAX + 1);
    }

    /// Kills: a message that repeats what a line says as long as it says it; jsonb takes no NUL.
    @Test
    void whatIsKeptIsBoundedAndFitsATable() throws IOException {
        String huge = "\\u0000\\ud83d".repeat(LINE_MAX / 40);
        String file =
                "{'custom_id':'b','method':'%s','url':'%s','body':{'model':'%s'}}\n"
                        .formatted(huge, huge, huge.substring(huge.length() / 2))
                        .replace('\'', '"')
                        .repeat(20);
        List<Batch.LineError> errors = checked(file.getBytes(UTF_8)).errors();
        assertThat(errors).hasSizeGreaterThan(40);
        String stored = Json.text(errors);
        assertThat(stored).hasSizeLessThan(200_000).doesNotContain("\\u0000");
        assertThat(UTF_8.newEncoder().canEncode(stored)).isTrue();
    }

    /// Kills: any fault but an error of a line.
    @Test
    void noMutationIsAnythingButTakenOrNamed() throws IOException {
        byte[] whole =
                "%s\r\n\n%s\n".formatted(line("a", ",'n':1.5e3"), line("b", "")).getBytes(UTF_8);
        byte[] signs = "\"{}[],:\\\0\n\r-9eN\u00ff ".getBytes(ISO_8859_1);
        Random random = new Random(3);
        int refused = 0;
        for (int round = 0; round < 20_000; round++) {
            byte[] bytes = whole.clone();
            for (int change = random.nextInt(1, 4); change > 0; change--) {
                bytes[random.nextInt(bytes.length)] = signs[random.nextInt(signs.length)];
            }
            refused += errors(bytes).isEmpty() ? 0 : 1;
        }
        assertThat(refused).isPositive();
    }
}
