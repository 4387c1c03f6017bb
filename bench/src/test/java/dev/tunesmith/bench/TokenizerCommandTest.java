package dev.tunesmith.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.engine.text.SpecialText;
import dev.tunesmith.engine.text.Tokenizer;
import java.io.BufferedWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizerCommandTest {
    private static final long KIB_MAX = 4L << 20;

    @TempDir Path folder;

    @Test
    void learnsFromRowsOfAnyShape() throws IOException {
        Path rows = folder.resolve("rows.jsonl");
        Files.writeString(
                rows,
                """
                {"messages": [{"role": "user", "content": "abab abab"}, {"role": "assistant", "content": "abab"}]}
                {"prompt": "abab", "completion": "abab zzz"}
                """);
        for (String form : List.of("byte-level", "fallback")) {
            Path target = folder.resolve(form + ".json");
            assertThat(run(rows.toString(), "--out", target.toString(), "--form", form))
                    .startsWith("0 ");
            try (Tokenizer tokenizer = Tokenizer.open(target)) {
                int[] ids = tokenizer.encode("abab \uD83D\uDE00", SpecialText.LITERAL);
                assertThat(tokenizer.decode(ids, false)).isEqualTo("abab \uD83D\uDE00");
                assertThat(ids.length).isLessThan("abab".length() + 4 + 2);
                assertThat(tokenizer.id("role")).isEmpty();
            }
        }
    }

    @Test
    void namesEverythingThatIsWrongAtOnce() {
        assertThat(run("missing.txt", "--vocabulary", "10", "--form", "word", "--odd", "1"))
                .startsWith("2 ")
                .contains(
                        "missing.txt: there is no such file",
                        "257 tokens are needed",
                        "--form is byte-level or fallback",
                        "there is no option --odd",
                        "name the file to write with --out",
                        "Usage:");
    }

    /// 1 GB whose words are drawn by Zipf's law from an open vocabulary of three scripts.
    @Test
    @Tag("longrun")
    void aGigabyteTakesLessThan4Gib() throws Exception {
        Path corpus = folder.resolve("corpus.txt");
        write(corpus, 1_000_000_000);
        Path target = folder.resolve("tokenizer.json");
        Process process =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                                "-Xmx3g",
                                "-XX:+UseSerialGC",
                                "--enable-native-access=ALL-UNNAMED",
                                "-cp",
                                System.getProperty("java.class.path"),
                                "dev.tunesmith.bench.Main",
                                "tokenizer",
                                corpus.toString(),
                                "--out",
                                target.toString())
                        .redirectErrorStream(true)
                        .redirectOutput(folder.resolve("out.txt").toFile())
                        .start();
        long peak = 0;
        while (!process.waitFor(100, TimeUnit.MILLISECONDS)) {
            peak = Math.max(peak, peakKib(process.pid()));
        }
        assertThat(process.exitValue()).as(Files.readString(folder.resolve("out.txt"))).isZero();
        System.out.printf("1 GB of text: peak %.2f GiB%n", peak / (double) (1 << 20));
        assertThat(peak).isBetween(1L << 18, KIB_MAX);
        try (Tokenizer tokenizer = Tokenizer.open(target)) {
            assertThat(tokenizer.vocabularySize()).isEqualTo(32_000);
        }
    }

    private static long peakKib(long process) {
        try (var lines = Files.lines(Path.of("/proc/" + process + "/status"))) {
            return lines.filter(line -> line.startsWith("VmHWM:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                    .findFirst()
                    .orElse(0);
        } catch (IOException | java.io.UncheckedIOException _) {
            return 0; // it has just ended
        }
    }

    private static void write(Path file, long bytes) throws IOException {
        Random random = new Random(7);
        List<String> line = new ArrayList<>();
        try (BufferedWriter out = Files.newBufferedWriter(file)) {
            for (long written = 0; written < bytes; ) {
                line.clear();
                for (int count = 20 + random.nextInt(80); count > 0; count--) {
                    line.add(word((long) Math.pow(1 - random.nextDouble(), -1 / 0.42)));
                }
                String text = String.join(" ", line) + "\n";
                out.write(text);
                written += text.getBytes(StandardCharsets.UTF_8).length;
            }
        }
    }

    /// The word of a rank: frequent ones are short.
    private static String word(long rank) {
        Random random = new Random(rank * 0x9E3779B97F4A7C15L);
        int script = random.nextInt(20);
        int first = script == 19 ? 0x4E00 : script == 18 ? 0x430 : 'a';
        int characters = script == 19 ? 3000 : script == 18 ? 32 : 26;
        int length = Math.min(9, 1 + Long.toString(rank).length());
        StringBuilder word = new StringBuilder();
        for (int i = 0; i < length; i++) {
            word.append((char) (first + random.nextInt(characters)));
        }
        return word.toString();
    }

    private static String run(String... words) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        int exit =
                TokenizerCommand.run(
                        List.of(words), new PrintStream(bytes, true, StandardCharsets.UTF_8));
        return exit + " " + bytes.toString(StandardCharsets.UTF_8);
    }
}
