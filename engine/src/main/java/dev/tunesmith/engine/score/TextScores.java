package dev.tunesmith.engine.score;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// All scores of texts by the names of the programs that made them known, each on the scale of its
/// program.
///
/// Every score follows from sums over the pairs. Counting goes on from the sums of an earlier part,
/// and then gives exactly what counting all pairs at once gives.
public final class TextScores {

    private static final BleuScore.Settings WESTERN =
            BleuScore.Settings.corpus(BleuTokenizer.WESTERN);

    private static final BleuScore.Settings CHINESE =
            BleuScore.Settings.corpus(BleuTokenizer.CHINESE);

    private final Map<Part, double[]> sums = new LinkedHashMap<>();

    /// What is summed, and how many numbers it is made of.
    private enum Part {
        COUNT(1),
        SIMILARITY(4),
        BLEU_13A(BleuScore.SUMS),
        BLEU_ZH(BleuScore.SUMS),
        CHRF(ChrfScore.SUMS),
        TER(TerScore.SUMS),
        ROUGE(3),
        EXACT(1);

        private final int numbers;

        Part(int numbers) {
            this.numbers = numbers;
        }

        private String wire() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }
    }

    /// Nothing counted yet.
    public TextScores() {
        for (Part part : Part.values()) {
            sums.put(part, new double[part.numbers]);
        }
    }

    /// Goes on behind the pairs whose [#sums] these are.
    ///
    /// @throws IllegalArgumentException if they are no such sums
    public static TextScores behind(Map<?, ?> sums) {
        TextScores scores = new TextScores();
        for (Part part : Part.values()) {
            if (!(sums.get(part.wire()) instanceof List<?> list) || list.size() != part.numbers) {
                throw new IllegalArgumentException(
                        "%s: expected %d numbers".formatted(part.wire(), part.numbers));
            }
            for (int i = 0; i < part.numbers; i++) {
                if (!(list.get(i) instanceof Number number)
                        || !(number.doubleValue() >= 0)
                        || Double.isInfinite(number.doubleValue())) {
                    throw new IllegalArgumentException(
                            "%s[%d]: expected a number from 0".formatted(part.wire(), i));
                }
                scores.of(part)[i] = number.doubleValue();
            }
        }
        return scores;
    }

    /// The scores of predictions: `bleu-4` and `rouge-*` as LLaMA-Factory prints them,
    /// `sacrebleu_*` over the whole set, `rouge_score_*` as means, and the share of equal texts.
    public static Map<String, Double> of(List<TextPair> pairs) {
        TextScores scores = new TextScores();
        pairs.forEach(scores::add);
        return scores.scores();
    }

    /// Counts a pair.
    ///
    /// @return the scores that it has by itself
    public Map<String, Double> add(TextPair pair) {
        SimilarityScore similar = SimilarityScore.of(pair.prediction(), pair.reference());
        RougeScore rouge = RougeScore.of(pair.prediction(), pair.reference(), false);
        double exact = pair.prediction().strip().equals(pair.reference().strip()) ? 1 : 0;
        double[] similarity = {
            similar.bleu4(), similar.rouge1(), similar.rouge2(), similar.rougeL()
        };
        double[] shares = {rouge.rouge1().f(), rouge.rouge2().f(), rouge.rougeL().f()};
        add(Part.COUNT, 1);
        add(Part.SIMILARITY, similarity);
        add(Part.BLEU_13A, BleuScore.sums(pair, WESTERN));
        add(Part.BLEU_ZH, BleuScore.sums(pair, CHINESE));
        add(Part.CHRF, ChrfScore.sums(pair));
        add(Part.TER, TerScore.sums(pair));
        add(Part.ROUGE, shares);
        add(Part.EXACT, exact);
        Map<String, Double> own = new LinkedHashMap<>();
        putSimilarity(own, similarity, 1);
        putRouge(own, shares, 1);
        own.put("exact_match", exact);
        return own;
    }

    private double[] of(Part part) {
        return sums.getOrDefault(part, new double[0]);
    }

    private void add(Part part, double... more) {
        double[] all = of(part);
        Arrays.setAll(all, i -> all[i] + more[i]);
    }

    /// Pairs counted, with those of earlier parts.
    public long count() {
        return (long) of(Part.COUNT)[0];
    }

    /// The scores of all pairs.
    public Map<String, Double> scores() {
        double count = Math.max(1, count());
        Map<String, Double> scores = new LinkedHashMap<>();
        putSimilarity(scores, of(Part.SIMILARITY), count);
        scores.put("sacrebleu_bleu_13a", BleuScore.of(of(Part.BLEU_13A), WESTERN).score());
        scores.put("sacrebleu_bleu_zh", BleuScore.of(of(Part.BLEU_ZH), CHINESE).score());
        ChrfScore chrf = ChrfScore.of(of(Part.CHRF));
        scores.put("sacrebleu_chrf", chrf.chrf());
        scores.put("sacrebleu_chrf++", chrf.chrfPlusPlus());
        scores.put("sacrebleu_ter", TerScore.of(of(Part.TER)).score());
        putRouge(scores, of(Part.ROUGE), count);
        scores.put("exact_match", of(Part.EXACT)[0] / count);
        return scores;
    }

    private static void putSimilarity(Map<String, Double> scores, double[] sums, double count) {
        scores.put("bleu-4", sums[0] / count);
        scores.put("rouge-1", sums[1] / count);
        scores.put("rouge-2", sums[2] / count);
        scores.put("rouge-l", sums[3] / count);
    }

    private static void putRouge(Map<String, Double> scores, double[] sums, double count) {
        scores.put("rouge_score_rouge1", sums[0] / count);
        scores.put("rouge_score_rouge2", sums[1] / count);
        scores.put("rouge_score_rougeL", sums[2] / count);
    }

    /// What [#behind] goes on from.
    public Map<String, List<Double>> sums() {
        Map<String, List<Double>> all = new LinkedHashMap<>();
        sums.forEach(
                (part, numbers) -> all.put(part.wire(), Arrays.stream(numbers).boxed().toList()));
        return all;
    }
}
