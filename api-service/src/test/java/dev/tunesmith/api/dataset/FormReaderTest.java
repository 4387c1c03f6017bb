package dev.tunesmith.api.dataset;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FormReaderTest {
    private static final String TYPE = "multipart/form-data; boundary=\"b-1\"";
    private static final String FORM =
            """
            --b-1
            Content-Disposition: form-data; name="purpose"

            fine-tune
            --b-1
            Content-Type: text/plain
            content-disposition: form-data; name=file; filename="a b.jsonl"

            one
            --b-2
            --b-

            --b-1--
            """
                    .replace("\n", "\r\n");

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7, 4096})
    void readsPartsHoweverTheBytesArrive(int atOnce) throws IOException {
        Map<String, String> parts = parts(slowly(FORM.getBytes(UTF_8), atOnce));

        assertThat(parts)
                .containsEntry("purpose", "fine-tune")
                .containsEntry("file=a b.jsonl", "one\r\n--b-2\r\n--b-\r\n");
    }

    @Test
    void aFormThatEndsTooEarlyIsAnErrorAtEveryByte() {
        byte[] form = FORM.getBytes(UTF_8);
        int complete = FORM.indexOf("--b-1--") + "--b-1--".length();
        for (int length = 0; length < complete; length++) {
            byte[] cut = java.util.Arrays.copyOf(form, length);
            assertThatThrownBy(() -> parts(new ByteArrayInputStream(cut)))
                    .as("cut at %d", length)
                    .isInstanceOf(FormReader.DamagedFormException.class);
        }
    }

    @Test
    void readsLargeContentThatLooksLikeABoundary() throws IOException {
        var random = new Random(7);
        var content = new StringBuilder();
        while (content.length() < 300_000) {
            content.append(random.nextBoolean() ? "\r\n--b-" : "x".repeat(random.nextInt(90)));
            content.append(random.nextInt(10));
        }
        String text = content.toString().replace("--b-1", "--b-2");
        String form =
                "--b-1\r\nContent-Disposition: form-data; name=f\r\n\r\n" + text + "\r\n--b-1--";

        assertThat(parts(new ByteArrayInputStream(form.getBytes(UTF_8)))).containsEntry("f", text);
    }

    @Test
    void refusesWhatIsNoForm() {
        InputStream body = InputStream.nullInputStream();
        assertThat(FormReader.open(body, "application/json")).isEmpty();
        assertThat(FormReader.open(body, "multipart/form-data")).isEmpty();
        assertThat(FormReader.open(body, null)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "a.jsonl, a.jsonl",
        "/etc/passwd, passwd",
        "..\\..\\x.txt, x.txt",
        ".., upload.jsonl",
        "'', upload.jsonl",
        "训练.jsonl, 训练.jsonl"
    })
    void aFileNameIsAName(String raw, String expected) {
        assertThat(FileName.of(raw, 255).text()).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({
        "bytes=0-0, 0, 1",
        "bytes=5-, 5, 5",
        "bytes=-3, 7, 3",
        "bytes=-99, 0, 10",
        "bytes=8-99, 8, 2"
    })
    void aRangeIsCutAtTheEnd(String header, long offset, long length) {
        assertThat(ByteRange.of(header, 10))
                .isEqualTo(new ByteRange.Wanted.Part(new ByteRange(offset, length)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"bytes=10-", "bytes=-0"})
    void aRangeBehindTheEndCannotBeGiven(String header) {
        assertThat(ByteRange.of(header, 10)).isEqualTo(new ByteRange.Wanted.Unsatisfiable());
    }

    @ParameterizedTest
    @ValueSource(strings = {"bytes=5-2", "bytes=-", "bytes=0-1,3-4", "lines=1-2"})
    void aRangeOfAnotherFormIsIgnored(String header) {
        assertThat(ByteRange.of(header, 10)).isEqualTo(new ByteRange.Wanted.Everything());
    }

    private static Map<String, String> parts(InputStream body) throws IOException {
        FormReader reader = FormReader.open(body, TYPE).orElseThrow();
        var parts = new LinkedHashMap<String, String>();
        for (Optional<FormReader.Part> next = reader.next();
                next.isPresent();
                next = reader.next()) {
            FormReader.Part part = next.get();
            String name = part.name() + part.fileName().map(file -> "=" + file).orElse("");
            parts.put(name, new String(part.content().readAllBytes(), UTF_8));
        }
        return parts;
    }

    private static InputStream slowly(byte[] bytes, int atOnce) {
        return new FilterInputStream(new ByteArrayInputStream(bytes)) {
            @Override
            public int read(byte[] target, int offset, int length) throws IOException {
                return super.read(target, offset, Math.min(length, atOnce));
            }
        };
    }
}
