package dev.tunesmith.engine.vision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.tunesmith.contracts.template.Rendered;
import dev.tunesmith.engine.data.ChatEncoder;
import dev.tunesmith.engine.data.PackedRows;
import dev.tunesmith.engine.data.Packing;
import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.data.TokenShard;
import dev.tunesmith.engine.data.UnusableRowException;
import dev.tunesmith.engine.text.ByteLevelTokenizer;
import dev.tunesmith.engine.text.Tokenizer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EyesTest {

    @TempDir Path folder;
    private Tokenizer tokenizer;
    private Eyes eyes;

    @BeforeEach
    void open() throws IOException {
        Path file = folder.resolve("tokenizer.json");
        ByteLevelTokenizer.write(
                file,
                ByteLevelTokenizer.train(
                        List.of("what is to be seen here"), 280, List.of("<pic>")));
        tokenizer = Tokenizer.open(file);
        eyes = new Eyes(new PictureReader(7, 1, 1, 28), false, tokenizer.id("<pic>").orElseThrow());
    }

    @AfterEach
    void close() {
        tokenizer.close();
    }

    @Test
    void aPictureHasAPlaceholderForEveryRow() throws IOException {
        Sample seen = encoder(eyes).prompt(List.of(message(picture())), List.of());

        assertThat(seen.pictures().grids()).hasSize(1);
        assertThat(Arrays.stream(seen.ids()).filter(id -> id == eyes.imageToken())).hasSize(16);
        assertThat(tokenizer.decode(seen.ids(), true)).contains("what is");
    }

    @Test
    void thePlaceholderInATextOfAUserIsText() throws IOException {
        Sample seen =
                encoder(eyes)
                        .prompt(
                                List.of(
                                        message(picture()),
                                        Map.of("role", "user", "content", "<pic>")),
                                List.of());

        assertThat(Arrays.stream(seen.ids()).filter(id -> id == eyes.imageToken())).hasSize(16);
    }

    @Test
    void aShardKeepsThePicturesOfItsRows() throws IOException {
        Sample seen = encoder(eyes).prompt(List.of(message(picture())), List.of());
        Sample text = Sample.allTrained(new int[] {1, 2, 3});
        Path file = folder.resolve("rows.tokens");
        TokenShard.write(file, List.of(text, seen, seen), Map.of());

        try (TokenShard shard = TokenShard.open(file)) {
            TokenBatch batch = PackedRows.of(shard, Packing.NONE, 64).batch(2, 0, 1);

            assertThat(batch.pictures().grids()).hasSize(2);
            assertThat(Arrays.copyOf(batch.pictures().values(), seen.pictures().values().length))
                    .isEqualTo(seen.pictures().values());
        }
    }

    @Test
    void aModelOfTextRefusesPictures() throws IOException {
        ChatEncoder blind = encoder(ChatEncoder.Sight.NONE);
        List<Map<String, Object>> messages = List.of(message(picture()));

        assertThatExceptionOfType(UnusableRowException.class)
                .isThrownBy(() -> blind.prompt(messages, List.of()))
                .withMessageContaining("messages[0]: this model does not see pictures");
    }

    @Test
    void otherAddressesAreNotFetchedAndOtherBytesRefused() {
        ChatEncoder encoder = encoder(eyes);
        for (String url :
                List.of(
                        "https://example.org/a.png",
                        "file:///etc/passwd",
                        "data:image/png;base64,??",
                        "data:image/png;base64,AAAA")) {
            List<Map<String, Object>> messages = List.of(message(url));
            assertThatExceptionOfType(UnusableRowException.class)
                    .as(url)
                    .isThrownBy(() -> encoder.prompt(messages, List.of()))
                    .withMessageContaining("a picture");
        }
    }

    @Test
    void aTemplateWithoutAPlaceForPicturesIsToldSo() throws IOException {
        ChatEncoder encoder =
                new ChatEncoder(
                        tokenizer, (messages, _) -> new Rendered("nothing", List.of()), eyes);
        List<Map<String, Object>> messages = List.of(message(picture()));

        assertThatExceptionOfType(UnusableRowException.class)
                .isThrownBy(() -> encoder.prompt(messages, List.of()))
                .withMessageContaining("0 placeholders for 1 pictures");
    }

    private ChatEncoder encoder(ChatEncoder.Sight sight) {
        return new ChatEncoder(
                tokenizer,
                (messages, _) -> {
                    StringBuilder text = new StringBuilder();
                    messages.forEach(message -> write(text, message.get("content")));
                    return new Rendered(text.toString(), List.of());
                },
                sight);
    }

    private static void write(StringBuilder text, @Nullable Object content) {
        if (content instanceof List<?> parts) {
            for (Object part : parts) {
                Map<?, ?> map = (Map<?, ?>) part;
                text.append("image".equals(map.get("type")) ? "<pic>" : map.get("text"));
            }
        } else {
            text.append(content);
        }
    }

    private static Map<String, Object> message(String url) {
        return Map.of(
                "role",
                "user",
                "content",
                List.of(
                        Map.of("type", "text", "text", "what is "),
                        Map.of("type", "image_url", "image_url", Map.of("url", url))));
    }

    private static String picture() throws IOException {
        try (InputStream stream =
                Objects.requireNonNull(
                        EyesTest.class.getResourceAsStream("/pictures/checks.png"))) {
            return "data:image/png;base64,"
                    + Base64.getEncoder().encodeToString(stream.readAllBytes());
        }
    }
}
