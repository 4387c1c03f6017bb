package dev.tunesmith.bench.nano;

import dev.tunesmith.engine.data.BatchBuilder;
import dev.tunesmith.engine.data.ChatEncoder;
import dev.tunesmith.engine.data.JsonLines;
import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.data.TemplateFormat;
import dev.tunesmith.engine.data.TokenBatch;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.ops.Lookup;
import dev.tunesmith.engine.tape.CheckpointPolicy;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.StepArena;
import dev.tunesmith.engine.tensor.Tensor;
import dev.tunesmith.engine.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/// Asks a model questions and compares its greedy answers with the right ones, letter by letter.
///
/// Answers are made the obvious way: the whole text goes through the model again for every token.
final class Exam {

    private static final int ANSWER_TOKENS_MAX = 64;
    private static final int QUESTIONS_AT_ONCE = 50;

    private final Decoder model;
    private final Tokenizer tokenizer;
    private final ChatEncoder encoder;
    private final int endToken;

    /// A question, the right answer and the model's.
    record Answer(String topic, String question, String expected, String given) {
        boolean right() {
            return expected.equals(given);
        }
    }

    private Exam(Decoder model, Tokenizer tokenizer, TemplateFormat format, int endToken) {
        this.model = model;
        this.tokenizer = tokenizer;
        this.encoder = new ChatEncoder(tokenizer, format);
        this.endToken = endToken;
    }

    /// Lets `model` answer the rows of a file with `topic`, `question` and `answer`.
    static List<Answer> sit(ModelDirectory directory, Decoder model, Path questions)
            throws IOException {
        List<Map<String, Object>> rows = new ArrayList<>();
        for (String line : Files.readAllLines(questions)) {
            rows.add(JsonLines.parse(line));
        }
        try (Tokenizer tokenizer = Tokenizer.open(directory.tokenizer().orElseThrow());
                StepArena arena = StepArena.unlimited()) {
            String end = directory.specialToken("eos_token").orElseThrow();
            TemplateFormat format = TemplateFormat.of(directory, TemplateFormat.TRAINING_TIME);
            Exam exam = new Exam(model, tokenizer, format, tokenizer.id(end).orElseThrow());
            List<Answer> answers = new ArrayList<>();
            for (int from = 0; from < rows.size(); from += QUESTIONS_AT_ONCE) {
                int to = Math.min(rows.size(), from + QUESTIONS_AT_ONCE);
                answers.addAll(exam.answer(arena, rows.subList(from, to)));
            }
            return answers;
        }
    }

    private List<Answer> answer(StepArena arena, List<Map<String, Object>> rows) {
        List<int[]> texts = new ArrayList<>();
        List<Integer> promptLengths = new ArrayList<>();
        for (Map<String, Object> row : rows) {
            int[] prompt =
                    encoder.prompt(
                            List.of(Map.of("role", "user", "content", text(row, "question"))));
            texts.add(prompt);
            promptLengths.add(prompt.length);
        }
        boolean[] ended = new boolean[rows.size()];
        for (int round = 0; round < ANSWER_TOKENS_MAX && !all(ended); round++) {
            int[] next = next(arena, texts);
            for (int i = 0; i < next.length; i++) {
                if (!ended[i] && next[i] == endToken) {
                    ended[i] = true;
                } else if (!ended[i]) {
                    int[] longer = Arrays.copyOf(texts.get(i), texts.get(i).length + 1);
                    longer[longer.length - 1] = next[i];
                    texts.set(i, longer);
                }
            }
        }
        List<Answer> answers = new ArrayList<>();
        for (int i = 0; i < rows.size(); i++) {
            int[] given =
                    Arrays.copyOfRange(texts.get(i), promptLengths.get(i), texts.get(i).length);
            answers.add(
                    new Answer(
                            text(rows.get(i), "topic"),
                            text(rows.get(i), "question"),
                            text(rows.get(i), "answer"),
                            tokenizer.decode(given, false)));
        }
        return answers;
    }

    /// The most likely token behind each text.
    private int[] next(StepArena arena, List<int[]> texts) {
        BatchBuilder builder = new BatchBuilder();
        texts.forEach(ids -> builder.add(Sample.allTrained(ids)));
        TokenBatch batch = builder.build();
        int[] last = new int[texts.size()];
        for (int d = 0; d < last.length; d++) {
            last[d] = batch.cuSeqlens_D1()[d + 1] - 1;
        }
        try (Region step = arena.open("answer")) {
            Tape tape = Tape.silent(arena, step);
            Tensor hidden_ND = model.forward(tape, batch, CheckpointPolicy.keepAll());
            Tensor last_MD = step.tensor(hidden_ND.type(), last.length, hidden_ND.width());
            Lookup.gather(last_MD, hidden_ND, step.ints(last));
            Tensor logits_MV = model.head().logits(tape, last_MD);
            return largest(logits_MV.toFloats(), last.length);
        }
    }

    private static int[] largest(float[] logits_MV, int rows) {
        int width = logits_MV.length / rows;
        int[] largest = new int[rows];
        for (int row = 0; row < rows; row++) {
            for (int v = 1; v < width; v++) {
                if (logits_MV[row * width + v] > logits_MV[row * width + largest[row]]) {
                    largest[row] = v;
                }
            }
        }
        return largest;
    }

    private static boolean all(boolean[] flags) {
        for (boolean flag : flags) {
            if (!flag) {
                return false;
            }
        }
        return true;
    }

    private static String text(Map<String, Object> row, String key) {
        if (!(row.get(key) instanceof String text)) {
            throw new IllegalArgumentException("a question without %s: %s".formatted(key, row));
        }
        return text;
    }
}
