package dev.tunesmith.bench.nano;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ItemsTest {

    @TempDir Path folder;

    @Test
    void numbersAreCalculated() throws IOException {
        assertThat(
                        answers(
                                "items ordered a 0..2 b 0..2",
                                "set c = a - b",
                                "ask en {a} - {b}?",
                                "answer en {c}"))
                .containsExactly("0", "1", "0", "2", "1", "0");
    }

    @Test
    void aCycleKnowsItsNeighbours() throws IOException {
        assertThat(
                        answers(
                                "items cycle",
                                "| a",
                                "| b",
                                "| c",
                                "columns x",
                                "ask en {x}?",
                                "answer en {last_x}{next_x}"))
                .containsExactly("cb", "ac", "ba");
    }

    @Test
    void mirroredPairsGoBothWays() throws IOException {
        assertThat(
                        answers(
                                "items mirrored",
                                "| big | small",
                                "columns word other",
                                "ask en {word}?",
                                "answer en {other}"))
                .containsExactly("small", "big");
    }

    @Test
    void unitsAreCountedAndAgree() throws IOException {
        assertThat(
                        answers(
                                "items units n 1..2",
                                "| week | days | 7",
                                "columns large small factor",
                                "set m = n * factor",
                                "set units = plural n large",
                                "set are = is/are n",
                                "ask en {n}?",
                                "answer en {n} {units} {are} {m} {small}."))
                .containsExactly("1 week is 7 days.", "2 weeks are 14 days.");
    }

    @Test
    void anUnknownSlotIsNamed() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> answers("items range a 1..1", "ask en {b}?", "answer en {a}"))
                .withMessageContaining("no slot b");
    }

    private List<String> answers(String... lines) throws IOException {
        Path file = folder.resolve("01-test.topic");
        Files.write(file, List.of(lines));
        return Topic.read(file).questions().stream().map(Topic.Question::answer).toList();
    }
}
