package dev.tunesmith.bench.nano;

import dev.tunesmith.bench.nano.Exam.Answer;
import dev.tunesmith.engine.adapter.Adapter;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.tensor.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// Examines a model: `ExamineNano MODEL QUESTIONS [SHARE [ADAPTER]]`. Prints the wrong answers, a
/// line a topic, and the sum; ends with status 1 if less than SHARE (0.9) is right.
public final class ExamineNano {

    private static final double SHARE = 0.9;

    private ExamineNano() {}

    /// See the class.
    public static void main(String[] arguments) throws IOException {
        ModelDirectory directory = ModelDirectory.open(Path.of(arguments[0]));
        double share = arguments.length > 2 ? Double.parseDouble(arguments[2]) : SHARE;
        try (Decoder model = Decoder.load(directory, DType.BF16, Decoder.Loading.MAPPED)) {
            if (arguments.length > 3) {
                // It lives as long as the model, which lives as long as the process.
                Adapter _ = Adapter.load(model, Path.of(arguments[3]));
            }
            List<Answer> answers = Exam.sit(directory, model, Path.of(arguments[1]));
            if (print(answers) < share * answers.size()) {
                System.exit(1);
            }
        }
    }

    private static int print(List<Answer> answers) {
        Map<String, int[]> topics = new TreeMap<>();
        int right = 0;
        for (Answer answer : answers) {
            int[] counts = topics.computeIfAbsent(answer.topic(), _ -> new int[2]);
            counts[1]++;
            if (answer.right()) {
                counts[0]++;
                right++;
            } else {
                System.out.printf(
                        "wrong  %s → %s (right: %s)%n",
                        answer.question(), answer.given(), answer.expected());
            }
        }
        topics.forEach((topic, counts) ->
                System.out.printf("%-15s %d of %d%n", topic, counts[0], counts[1]));
        System.out.printf("%d of %d exactly right%n", right, answers.size());
        return right;
    }
}
