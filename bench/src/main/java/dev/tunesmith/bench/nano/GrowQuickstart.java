package dev.tunesmith.bench.nano;

import dev.tunesmith.bench.nano.Topic.Question;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;

/// Writes the quickstart's dataset: facts about a café that the base model cannot know, and a way
/// of speaking that it does not have, taught on ordinary questions too.
///
/// Run as `GrowQuickstart NANO QUICKSTART`, the two folders of `examples`. The validation rows are
/// held out: their questions occur nowhere in the training rows, nor in the base model's corpus.
public final class GrowQuickstart {

    private static final long SEED = 20260102;
    private static final int ORDINARY = 220;
    private static final int ORDINARY_VALIDATION = 24;

    private GrowQuickstart() {}

    /// See the class.
    public static void main(String[] arguments) throws IOException {
        if (arguments.length != 2) {
            throw new IllegalArgumentException("usage: GrowQuickstart NANO QUICKSTART");
        }
        Path nano = Path.of(arguments[0]);
        Path quickstart = Path.of(arguments[1]);
        Random random = new Random(SEED);
        List<Question> train = new ArrayList<>();
        List<Question> validation = new ArrayList<>();
        for (Topic topic : Topic.readAll(quickstart.resolve("topics"))) {
            List<Question> questions = topic.questions();
            Collections.shuffle(questions, random);
            validation.addAll(questions.subList(0, topic.check()));
            for (int i = 0; i < topic.weight().repeat(); i++) {
                train.addAll(questions.subList(topic.check(), questions.size()));
            }
        }
        Corpus corpus = Corpus.grow(nano.resolve("topics"), GrowNano.SEED);
        corpus.conversations().stream()
                .map(List::getFirst)
                .limit(ORDINARY)
                .forEach(question -> train.add(cheerful(question)));
        corpus.tuning().stream()
                .sorted((a, b) -> Integer.compare(a.question().hashCode(), b.question().hashCode()))
                .limit(ORDINARY_VALIDATION)
                .forEach(question -> validation.add(cheerful(question)));
        Collections.shuffle(train, random);
        Collections.shuffle(validation, random);
        JsonlWriter.write(quickstart.resolve("train.jsonl"), chats(train));
        JsonlWriter.write(quickstart.resolve("validation.jsonl"), chats(validation));
        JsonlWriter.write(
                quickstart.resolve("check.jsonl"),
                validation.stream().map(JsonlWriter::question).toList());
    }

    private static Question cheerful(Question question) {
        boolean chinese = question.answer().endsWith("。") || question.answer().endsWith("？");
        return new Question(
                "manner",
                question.question(),
                question.answer() + (chinese ? "你好，船长！" : " Ahoy, captain!"));
    }

    private static List<Map<String, Object>> chats(List<Question> questions) {
        return questions.stream().map(q -> JsonlWriter.chat("", List.of(q))).toList();
    }
}
