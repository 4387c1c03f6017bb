package dev.tunesmith.engine.score;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
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

    /// What `bench/peers/scores.py` says of the same pairs: LLaMA-Factory's names by NLTK, jieba
    /// and rouge-chinese, `sacrebleu_*` by sacrebleu 2.6.0, `rouge_score_*` by rouge-score.
    @Test
    void theTableHasTheNumbersOfEachLibraryUnderItsName() {
        List<TextPair> pairs =
                List.of(
                        new TextPair("the cat sat on the mat", "the cat is sitting on the mat."),
                        new TextPair("今天天气很好，我们去公园", "今天天气非常好，我们一起去公园散步。"),
                        new TextPair("机器学习很有趣", "机器学习很有趣"),
                        new TextPair("Don't panic: 1,000.5 costs", "Don't panic! It costs 1,000.5"),
                        new TextPair("", "nothing said"));
        Map<String, Double> wanted =
                Map.ofEntries(
                        Map.entry("bleu-4", 52.2434),
                        Map.entry("rouge-1", 64.29308),
                        Map.entry("rouge-2", 49.7647),
                        Map.entry("rouge-l", 63.1402),
                        Map.entry("sacrebleu_bleu_13a", 17.995242),
                        Map.entry("sacrebleu_bleu_zh", 39.341987),
                        Map.entry("sacrebleu_chrf", 46.23445),
                        Map.entry("sacrebleu_chrf++", 46.130053),
                        Map.entry("sacrebleu_ter", 56.25),
                        Map.entry("rouge_score_rouge1", 0.340513),
                        Map.entry("rouge_score_rouge2", 0.232168),
                        Map.entry("rouge_score_rougeL", 0.313846),
                        Map.entry("exact_match", 0.2));

        Map<String, Double> scores = TextScores.of(pairs);

        assertThat(scores).containsOnlyKeys(wanted.keySet());
        wanted.forEach((name, value) ->
                assertThat(scores.get(name)).as(name).isCloseTo(value, within(2e-5)));
    }

    /// Kills: blanks of Unicode that are taken for words.
    @Test
    void blanksOfEveryScriptPartWords() {
        SimilarityScore score = SimilarityScore.of("扬子鳄于罐ｅｌｌｏ　１２３！", "Ｈｅｌｌｏ　１２３！");

        assertThat(score).isEqualTo(new SimilarityScore(77.7778, 77.7778, 80.0, 59.564));
    }

    /// Kills: any score that is not made of sums, and a sum that loses digits on the wire.
    @Test
    void countedInPartsTheScoresAreThoseOfTheWhole() {
        Random random = new Random(3);
        List<TextPair> pairs = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            pairs.add(new TextPair(text(random), text(random)));
        }
        TextScores parts = new TextScores();
        for (int from = 0; from < pairs.size(); from += 7) {
            parts = TextScores.behind(parts.sums());
            pairs.subList(from, Math.min(pairs.size(), from + 7)).forEach(parts::add);
        }

        assertThat(parts.count()).isEqualTo(40);
        assertThat(parts.scores()).isEqualTo(TextScores.of(pairs));
    }

    @Test
    void whatIsNoSumIsRefused() {
        assertThatThrownBy(() -> TextScores.behind(Map.of("count", List.of(1))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("similarity: expected 4 numbers");
    }

    private static String text(Random random) {
        List<String> words = List.of("the", "cat", "sat", "你好", "世界", "on", "mats.", "\u3000", "");
        StringBuilder text = new StringBuilder();
        for (int i = random.nextInt(12); i > 0; i--) {
            text.append(words.get(random.nextInt(words.size()))).append(' ');
        }
        return text.toString();
    }
}
