package dev.tunesmith.bench.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tunesmith.engine.score.ChineseWords;
import dev.tunesmith.engine.score.TextPair;
import dev.tunesmith.engine.score.TextScores;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Scores beside those of sacrebleu, rouge-score, rouge-chinese and NLTK, on texts of many scripts.
@Tag("peers")
class ScorePeerTest {
    private static final List<String> PARTS =
            List.of(
                    "the cat sat",
                    " on ",
                    "mats.",
                    "你好",
                    "世界",
                    "，",
                    "。",
                    "机器学习",
                    "研究生命起源",
                    "\u3000",
                    "\n",
                    "3.14%",
                    "C++",
                    "“",
                    "”",
                    "……",
                    "？",
                    "iPhone 15",
                    "don't",
                    "Straße",
                    "привет",
                    "😀",
                    "它山之石可以攻玉",
                    "1,000.5");

    @Test
    void allScoresAreThoseOfTheLibraries() throws IOException, InterruptedException {
        Random random = new Random(8);
        List<TextPair> pairs = new ArrayList<>();
        List<List<String>> asked = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            String reference = text(random) + "a";
            int kept = random.nextInt(reference.length());
            String prediction = reference.substring(0, kept) + text(random);
            pairs.add(new TextPair(prediction, reference));
            asked.add(List.of(prediction, reference));
        }

        JsonNode answer = Peers.ask("scores.py", Map.of("pairs", asked));

        Map<String, Double> scores = TextScores.of(pairs);
        answer.path("scores")
                .properties()
                .forEach(score ->
                        assertThat(scores.get(score.getKey()))
                                .as(score.getKey())
                                .isCloseTo(score.getValue().asDouble(), within(1e-4)));
        for (int i = 0; i < pairs.size(); i++) {
            List<String> words = new ArrayList<>();
            answer.path("words").path(i).forEach(word -> words.add(word.asText()));
            assertThat(ChineseWords.shared().cut(pairs.get(i).prediction())).isEqualTo(words);
        }
    }

    private static String text(Random random) {
        StringBuilder text = new StringBuilder();
        for (int i = random.nextInt(10); i > 0; i--) {
            text.append(PARTS.get(random.nextInt(PARTS.size())));
        }
        return text.toString();
    }
}
