package dev.tunesmith.bench.verify;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.bench.golden.GoldenCase;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class VerifyTest {

    private static final Path GOLDEN = Path.of("../engine/src/test/resources/golden");

    private static final Path METHODS = Path.of("../golden/methods");

    private static final Path TEXT = Path.of("../golden/text");

    private static final List<String> TEXTS =
            List.of(
                    "bpe_training",
                    "chat_templates",
                    "jinja_expressions",
                    "lf_datasets",
                    "lf_templates",
                    "lf_tools",
                    "metrics",
                    "packing",
                    "tokenizers");

    static List<Path> cases() throws IOException {
        List<Path> folders = new ArrayList<>();
        for (String group : List.of("families", "adapters", "optim", "quant")) {
            folders.addAll(casesBelow(GOLDEN.resolve(group)));
        }
        for (String group : TEXTS) {
            folders.addAll(casesBelow(TEXT.resolve(group)));
        }
        folders.addAll(casesBelow(METHODS));
        return folders;
    }

    private static List<Path> casesBelow(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(file -> file.endsWith(GoldenCase.FILE))
                    .map(Path::getParent)
                    .sorted()
                    .toList();
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void computesWhatTheReferenceComputes(Path folder) {
        assertThat(verify(folder)).startsWith("ok").contains("1 passed, 0 failed, 0 skipped");
    }

    @Test
    void aDamagedReferenceFails(@TempDir Path copy) throws IOException {
        copyOfLlama(copy);
        Path damaged = copy.resolve("expected.safetensors");
        byte[] bytes = Files.readAllBytes(damaged);
        // The exponent of the last number.
        bytes[bytes.length - 1] ^= 1;
        Files.write(damaged, bytes);

        assertThat(verify(copy)).contains("FAIL", "0 passed, 1 failed");
    }

    @Test
    void anUnknownGroupIsNamedAndFails(@TempDir Path folder) throws IOException {
        Files.writeString(folder.resolve(GoldenCase.FILE), "{\"group\": \"astrology\"}");

        assertThat(verify(folder)).contains("no runner for group 'astrology'", "1 failed");
    }

    @Test
    void theGroupFollowsFromTheFoldersAbove(@TempDir Path root) throws IOException {
        Path folder = Files.createDirectories(root.resolve("optim/clip/one"));
        Files.writeString(folder.resolve(GoldenCase.FILE), "{}");

        assertThat(GoldenCase.read(folder).group()).isEqualTo("optim/clip");
    }

    @Test
    void aCaseOutsideOfAnyKnownFolderIsWhatItSays(@TempDir Path folder) throws IOException {
        Files.writeString(folder.resolve("template.jinja"), "{{ messages[0].content }}");
        String renders =
                "[{\"id\":0,\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"expected\":\"%s\"}]";
        String json =
                "{\"kind\":\"chat_template\",\"special_tokens\":{},\"renders\":" + renders + "}";

        Files.writeString(folder.resolve(GoldenCase.FILE), json.formatted("a"));
        assertThat(verify(folder)).contains("1 passed, 0 failed");
        Files.writeString(folder.resolve(GoldenCase.FILE), json.formatted("b"));
        assertThat(verify(folder)).contains("0 passed, 1 failed");
    }

    private static void copyOfLlama(Path target) throws IOException {
        Path source = GOLDEN.resolve("families/llama");
        try (Stream<Path> files = Files.walk(source)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Path to = target.resolve(source.relativize(file).toString());
                Files.createDirectories(to.getParent());
                Files.copy(file, to);
            }
        }
    }

    private static String verify(Path folder) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (PrintStream stream = new PrintStream(out, true, StandardCharsets.UTF_8)) {
            int status = Verify.run(List.of(folder), stream);
            assertThat(status).isIn(0, 1);
        }
        return out.toString(StandardCharsets.UTF_8);
    }
}
