package dev.tunesmith.engine.score;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// All scores of texts by the names of the programs that made them known, each on the scale of its
/// program.
public final class TextScores {

    private TextScores() {}

    /// The scores of predictions: `bleu-4` and `rouge-*` as LLaMA-Factory prints them,
    /// `sacrebleu_*` over the whole set, `rouge_score_*` as means, and the share of equal texts.
    public static Map<String, Double> of(List<TextPair> pairs) {
        Map<String, Double> scores = new LinkedHashMap<>();
        SimilarityScore similar =
                SimilarityScore.mean(
                        pairs.stream()
                                .map(pair ->
                                        SimilarityScore.of(pair.prediction(), pair.reference()))
                                .toList());
        scores.put("bleu-4", similar.bleu4());
        scores.put("rouge-1", similar.rouge1());
        scores.put("rouge-2", similar.rouge2());
        scores.put("rouge-l", similar.rougeL());
        scores.put("sacrebleu_bleu_13a", bleu(pairs, BleuTokenizer.WESTERN));
        scores.put("sacrebleu_bleu_zh", bleu(pairs, BleuTokenizer.CHINESE));
        ChrfScore chrf = ChrfScore.of(pairs);
        scores.put("sacrebleu_chrf", chrf.chrf());
        scores.put("sacrebleu_chrf++", chrf.chrfPlusPlus());
        scores.put("sacrebleu_ter", TerScore.of(pairs).score());
        addRouge(scores, pairs);
        scores.put(
                "exact_match",
                pairs.stream()
                        .mapToDouble(pair ->
                                pair.prediction().strip().equals(pair.reference().strip()) ? 1 : 0)
                        .average()
                        .orElse(0));
        return scores;
    }

    private static double bleu(List<TextPair> pairs, BleuTokenizer tokenizer) {
        return BleuScore.of(pairs, BleuScore.Settings.corpus(tokenizer)).score();
    }

    private static void addRouge(Map<String, Double> scores, List<TextPair> pairs) {
        List<RougeScore> rouge =
                pairs.stream()
                        .map(pair -> RougeScore.of(pair.prediction(), pair.reference(), false))
                        .toList();
        scores.put("rouge_score_rouge1", mean(rouge.stream().map(RougeScore::rouge1).toList()));
        scores.put("rouge_score_rouge2", mean(rouge.stream().map(RougeScore::rouge2).toList()));
        scores.put("rouge_score_rougeL", mean(rouge.stream().map(RougeScore::rougeL).toList()));
    }

    private static double mean(List<RougeScore.Share> shares) {
        return shares.stream().mapToDouble(RougeScore.Share::f).average().orElse(0);
    }
}
