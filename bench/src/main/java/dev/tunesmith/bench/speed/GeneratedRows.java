package dev.tunesmith.bench.speed;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;

/// A training file of any size whose rows look like those of real ones: conversations of two to six
/// turns, a tenth of them not in Latin letters, line feeds and quotes inside of texts, calls of
/// tools, and now and then a repeated row or an address.
final class GeneratedRows {

    private static final String[] LATIN =
            """
            the of and to in is that it for you with was are this have not be from they what can
            model answer question training function returns value because example please explain
            between different number algorithm history country people language write short story
            about computer science however therefore usually important results system user data
            """
                    .strip()
                    .split("\\s+");

    private static final String[] OTHER =
            "модель ответ вопрос обучение потому пример пожалуйста объясни 这是 一个 问题 答案 模型 训练 数据 例子 これは 質問です 答え"
                    .split(" ");

    private final SplittableRandom random;
    private final StringBuilder row = new StringBuilder();
    private String last = "";

    private GeneratedRows(long seed) {
        this.random = new SplittableRandom(seed);
    }

    /// Writes a file of about this size; the same bytes for the same seed.
    static void write(Path file, long bytes, long seed) throws IOException {
        GeneratedRows rows = new GeneratedRows(seed);
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), 1 << 20)) {
            long written = 0;
            while (written < bytes) {
                byte[] line = rows.next().getBytes(StandardCharsets.UTF_8);
                out.write(line);
                written += line.length;
            }
        }
    }

    private String next() {
        if (!last.isEmpty() && random.nextInt(200) == 0) {
            return last;
        }
        row.setLength(0);
        row.append("{\"messages\":[");
        String[] words = random.nextInt(10) == 0 ? OTHER : LATIN;
        if (random.nextInt(3) == 0) {
            message("system", words, 20);
            row.append(',');
        }
        int turns = 1 + random.nextInt(3);
        for (int turn = 0; turn < turns; turn++) {
            row.append(turn == 0 ? "" : ",");
            message("user", words, 10 + random.nextInt(60));
            row.append(',');
            if (random.nextInt(30) == 0) {
                call(turn);
            }
            message("assistant", words, 20 + random.nextInt(200));
        }
        last = row.append("]}\n").toString();
        return last;
    }

    private void message(String role, String[] words, int count) {
        row.append("{\"role\":\"").append(role).append("\",\"content\":\"");
        for (int i = 0; i < count; i++) {
            row.append(words[random.nextInt(words.length)]);
            int next = random.nextInt(100);
            row.append(
                    switch (next) {
                        case 0 -> ".\\n\\n";
                        case 1, 2, 3, 4 -> ". ";
                        case 5, 6, 7 -> ", ";
                        case 8 -> " \\\"quoted\\\" ";
                        case 9 -> " " + random.nextInt(100_000) + " ";
                        default -> " ";
                    });
        }
        if (random.nextInt(500) == 0) {
            row.append("mail me at someone@example.org");
        }
        row.append("\"}");
    }

    private void call(int turn) {
        row.append(
                """
                {"role":"assistant","tool_calls":[{"id":"call_%1$d","type":"function",\
                "function":{"name":"look_up","arguments":"{\\"word\\":\\"model\\",\\"n\\":%1$d}"}}]},\
                {"role":"tool","tool_call_id":"call_%1$d","content":"found %1$d entries"},\
                """
                        .formatted(turn));
    }
}
