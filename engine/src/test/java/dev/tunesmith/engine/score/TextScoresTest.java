package dev.tunesmith.engine.score;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class TextScoresTest {

    @Test
    void equalTextsHaveFullScores() {
        Map<String, Double> scores =
                TextScores.of(List.of(new TextPair("the cat sat down", "the cat sat down")));

        assertThat(scores.get("bleu-4")).isCloseTo(100, within(1e-3));
        assertThat(scores.get("sacrebleu_bleu_13a")).isCloseTo(100, within(1e-6));
        assertThat(scores.get("rouge_score_rougeL")).isEqualTo(1);
        assertThat(scores.get("exact_match")).isEqualTo(1);
        assertThat(scores.get("sacrebleu_ter")).isZero();
    }

    @Test
    void chineseIsCutIntoWordsAndCharacters() {
        Map<String, Double> scores = TextScores.of(List.of(new TextPair("你好世", "你好世界")));

        assertThat(scores.get("bleu-4")).isCloseTo(60.2529, within(1e-3));
        assertThat(scores.get("exact_match")).isZero();
    }
}
