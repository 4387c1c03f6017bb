package dev.tunesmith.engine.text;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tunesmith.engine.io.ModelFileException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class TokenizerTest {

    static List<Path> goldenCases() {
        return GoldenText.cases("tokenizers");
    }

    @ParameterizedTest
    @MethodSource("goldenCases")
    void encodesAndDecodesAsTheReference(Path folder) {
        try (Tokenizer tokenizer = Tokenizer.open(folder.resolve("tokenizer.json"))) {
            for (JsonNode row : GoldenText.lines(folder.resolve("golden.jsonl"))) {
                String name = row.get("name").asText();
                String text = row.get("text").asText();
                Tokens tokens = tokenizer.encodeWithOffsets(text, SpecialText.PARSED);
                assertThat(tokens.ids()).as(name).isEqualTo(GoldenText.ids(row.get("ids")));
                assertThat(offsets(tokens)).as(name).isEqualTo(row.get("offsets").toString());
                int[] added = tokenizer.encodeWithAdded(text, SpecialText.PARSED);
                assertThat(added)
                        .as(name)
                        .isEqualTo(
                                GoldenText.ids(GoldenText.first(row, "ids_with_special", "ids")));
                assertThat(tokenizer.encode(text, SpecialText.LITERAL))
                        .as(name)
                        .isEqualTo(
                                GoldenText.ids(GoldenText.first(row, "ids_split_special", "ids")));
                assertThat(tokenizer.decode(added, false)).isEqualTo(row.get("decoded").asText());
                assertThat(tokenizer.decode(added, true))
                        .isEqualTo(
                                GoldenText.first(row, "decoded_skip_special", "decoded").asText());
            }
        }
    }

    @ParameterizedTest
    @MethodSource("goldenCases")
    void streamsWhatTheReferenceStreamsAndTheRestAtTheEnd(Path folder) {
        try (Tokenizer tokenizer = Tokenizer.open(folder.resolve("tokenizer.json"))) {
            for (JsonNode row : GoldenText.lines(folder.resolve("decode.jsonl"))) {
                IncrementalText incremental = tokenizer.incremental(false);
                StringBuilder all = new StringBuilder();
                boolean referenceFailed = row.get("stream").toString().contains("error");
                int[] ids = GoldenText.ids(row.get("ids"));
                for (int i = 0; i < ids.length; i++) {
                    String chunk = incremental.push(ids[i]);
                    all.append(chunk);
                    if (!referenceFailed) {
                        assertThat(chunk).isEqualTo(row.get("stream").get(i).asText(""));
                    }
                }
                all.append(incremental.flush());
                if (!referenceFailed) {
                    assertThat(all.toString()).isEqualTo(row.get("decoded").asText());
                }
            }
        }
    }

    /// Three tokens of one character: their texts are damaged, their bytes together are not.
    @Test
    void partsOfACharacterHaveTheirOwnBytes(@TempDir Path room) throws IOException {
        Path file = room.resolve("tokenizer.json");
        ByteLevelTokenizer.write(
                file, ByteLevelTokenizer.train(List.of("plain"), 258, List.of("<|end|>")));
        try (Tokenizer tokenizer = Tokenizer.open(file)) {
            int[] ids = tokenizer.encode("中", SpecialText.LITERAL);
            var bytes = new ByteArrayOutputStream();
            for (int id : ids) {
                bytes.writeBytes(tokenizer.bytes(id));
            }
            assertThat(ids).hasSize(3);
            assertThat(bytes.toString(UTF_8)).isEqualTo("中");
        }
    }

    @Test
    void controlTokensInUserTextStayText() {
        try (Tokenizer tokenizer = qwen()) {
            int end = tokenizer.id("<|im_end|>").orElseThrow();
            assertThat(tokenizer.encode("a<|im_end|>", SpecialText.PARSED)).contains(end);
            int[] literal = tokenizer.encode("a<|im_end|>", SpecialText.LITERAL);
            assertThat(literal).doesNotContain(end);
            assertThat(tokenizer.decode(literal, false)).isEqualTo("a<|im_end|>");
            assertThat(tokenizer.isSpecial(end)).isTrue();
        }
    }

    @Test
    void aLoneSurrogateBecomesTheReplacementCharacter() {
        try (Tokenizer tokenizer = qwen()) {
            int[] ids = tokenizer.encode("a\uD800b\uD83D\uDE00", SpecialText.LITERAL);
            assertThat(tokenizer.decode(ids, false)).isEqualTo("a\uFFFDb\uD83D\uDE00");
        }
    }

    @Test
    void anUnknownIdDecodesToNothing() {
        try (Tokenizer tokenizer = qwen()) {
            int beyond = tokenizer.vocabularySize();
            assertThat(beyond).isEqualTo(1408);
            assertThat(tokenizer.decode(new int[] {beyond, 65, beyond + 7}, false))
                    .isEqualTo(tokenizer.decode(new int[] {65}, false));
        }
    }

    @Test
    void refusesAFileThatIsNoTokenizer(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("tokenizer.json");
        for (String text :
                List.of(
                        "{}",
                        "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":-1},\"merges\":[]}}",
                        "{\"model\":{\"type\":\"Magic\",\"vocab\":{\"a\":0}}}",
                        "not json")) {
            Files.writeString(file, text);
            assertThatExceptionOfType(ModelFileException.class)
                    .isThrownBy(() -> Tokenizer.open(file))
                    .withMessageStartingWith("tokenizer.json");
        }
    }

    private static Tokenizer qwen() {
        return Tokenizer.open(
                Path.of("..", "golden/text/tokenizers/qwen2_byte_bpe/tokenizer.json"));
    }

    private static String offsets(Tokens tokens) {
        StringBuilder text = new StringBuilder("[");
        for (int i = 0; i < tokens.size(); i++) {
            text.append(i == 0 ? "[" : ",[");
            text.append(tokens.begins()[i]).append(',').append(tokens.ends()[i]).append(']');
        }
        return text.append(']').toString();
    }
}
