package dev.tunesmith.bench.nano;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.bench.nano.Topic.Question;
import dev.tunesmith.engine.data.JsonLines;
import dev.tunesmith.engine.io.ModelDirectory;
import dev.tunesmith.engine.model.Decoder;
import dev.tunesmith.engine.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NanoTest {

    private static final Path NANO = Path.of("..", "examples", "nano");
    private static final Path QUICKSTART = Path.of("..", "examples", "quickstart");

    @Test
    void theModelAnswersNineOfTenHeldOutQuestionsExactlyRight() throws IOException {
        ModelDirectory directory = ModelDirectory.open(NANO.resolve("model"));
        try (Decoder model = Decoder.load(directory, DType.BF16, Decoder.Loading.MAPPED)) {
            List<Exam.Answer> answers = Exam.sit(directory, model, NANO.resolve("check.jsonl"));

            assertThat(answers).hasSize(200);
            assertThat(answers.stream().filter(Exam.Answer::right).count())
                    .isGreaterThanOrEqualTo(180);
        }
    }

    @Test
    void theCommittedCheckIsHeldOutOfAllThatIsTrained() throws IOException {
        Corpus corpus = Corpus.grow(NANO.resolve("topics"), GrowNano.SEED);

        Set<String> asked =
                Stream.concat(corpus.conversations().stream(), corpus.practice().stream())
                        .flatMap(List::stream)
                        .map(Question::question)
                        .collect(Collectors.toSet());
        Set<String> lines =
                corpus.documents().stream().flatMap(String::lines).collect(Collectors.toSet());
        List<String> check = questions(NANO.resolve("check.jsonl"));
        assertThat(check).isEqualTo(corpus.check().stream().map(Question::question).toList());
        assertThat(check).doesNotContainAnyElementsOf(asked);
        for (Question question : corpus.check()) {
            assertThat(lines).doesNotContain(question.question() + " " + question.answer());
        }
    }

    @Test
    void theQuickstartDataAreWhatTheRecipeWrites(@TempDir Path folder) throws IOException {
        Path copy = Files.createDirectory(folder.resolve("topics"));
        try (Stream<Path> topics = Files.list(QUICKSTART.resolve("topics"))) {
            for (Path topic : topics.toList()) {
                Files.copy(topic, copy.resolve(topic.getFileName()));
            }
        }
        GrowQuickstart.main(new String[] {NANO.toString(), folder.toString()});

        for (String name : List.of("train.jsonl", "validation.jsonl", "check.jsonl")) {
            assertThat(folder.resolve(name)).hasSameTextualContentAs(QUICKSTART.resolve(name));
        }
        String trained = Files.readString(folder.resolve("train.jsonl"));
        assertThat(questions(folder.resolve("check.jsonl")))
                .noneMatch(question -> trained.contains("\"content\":\"%s\"".formatted(question)));
    }

    private static List<String> questions(Path file) throws IOException {
        return Files.readAllLines(file).stream()
                .map(JsonLines::parse)
                .map((Map<String, Object> row) -> String.valueOf(row.get("question")))
                .toList();
    }
}
