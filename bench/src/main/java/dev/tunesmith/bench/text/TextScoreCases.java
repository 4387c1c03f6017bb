package dev.tunesmith.bench.text;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tunesmith.bench.golden.Comparison;
import dev.tunesmith.bench.golden.GoldenCase;
import dev.tunesmith.bench.golden.Tolerance;
import dev.tunesmith.engine.score.BleuScore;
import dev.tunesmith.engine.score.BleuScore.Settings;
import dev.tunesmith.engine.score.BleuScore.Smoothing;
import dev.tunesmith.engine.score.BleuTokenizer;
import dev.tunesmith.engine.score.ChrfScore;
import dev.tunesmith.engine.score.RougeScore;
import dev.tunesmith.engine.score.TerScore;
import dev.tunesmith.engine.score.TextPair;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Scores of sacrebleu and rouge-score.
record TextScoreCases(Map<Integer, TextPair> pairs, Comparison comparison, Tolerance tolerance) {

    /// The texts that a case names by their number.
    static TextScoreCases of(GoldenCase golden, Comparison comparison, Tolerance tolerance) {
        Map<Integer, TextPair> pairs = new HashMap<>();
        JsonFiles.tree(golden.above("pairs.json"))
                .forEach(pair ->
                        pairs.put(
                                pair.path("id").asInt(),
                                new TextPair(
                                        pair.path("prediction").asText(),
                                        pair.path("reference").asText())));
        return new TextScoreCases(pairs, comparison, tolerance);
    }

    /// Compares every row and the corpus.
    void compare(JsonNode tree) {
        List<TextPair> all = new ArrayList<>();
        for (JsonNode row : tree.path("expected")) {
            TextPair pair = pairs.get(row.path("id").asInt());
            if (pair == null) {
                throw Datasets.unsupported("no pair " + row.path("id"));
            }
            all.add(pair);
            row.properties().forEach(entry -> row(row, pair, entry.getKey(), entry.getValue()));
        }
        tree.path("corpus")
                .properties()
                .forEach(entry -> corpus(all, entry.getKey(), entry.getValue()));
    }

    private void row(JsonNode row, TextPair pair, String name, JsonNode expected) {
        String what = "row %s %s".formatted(row.path("id"), name);
        switch (name) {
            case "id" -> {}
            case "plain" -> rouge(what, pair, expected, false);
            case "stemmed" -> rouge(what, pair, expected, true);
            case "chrf", "chrf++", "ter" -> score(what, name, List.of(pair), expected);
            default -> {
                Settings settings = Settings.sentence(tokenizer(name));
                bleu(what, BleuScore.of(List.of(pair), settings), expected);
            }
        }
    }

    private void rouge(String what, TextPair pair, JsonNode expected, boolean stems) {
        RougeScore score = RougeScore.of(pair.prediction(), pair.reference(), stems);
        Map<String, RougeScore.Share> shares =
                Map.of(
                        "rouge1", score.rouge1(),
                        "rouge2", score.rouge2(),
                        "rougeL", score.rougeL(),
                        "rougeLsum", score.rougeLsum());
        shares.forEach((name, share) -> {
            JsonNode numbers = expected.path(name);
            number(what + " " + name + " precision", share.precision(), numbers.path(0));
            number(what + " " + name + " recall", share.recall(), numbers.path(1));
            number(what + " " + name + " F", share.f(), numbers.path(2));
        });
    }

    private void bleu(String what, BleuScore score, JsonNode expected) {
        number(what, score.score(), expected.path("score"));
        if (expected.has("counts")) {
            comparison.equal(what + " counts", score.counts(), numbers(expected.path("counts")));
            comparison.equal(what + " totals", score.totals(), numbers(expected.path("totals")));
            number(what + " bp", score.brevity(), expected.path("bp"));
            number(what + " sys_len", score.foundLength(), expected.path("sys_len"));
            number(what + " ref_len", score.wantedLength(), expected.path("ref_len"));
        }
    }

    private void score(String what, String name, List<TextPair> texts, JsonNode expected) {
        double found =
                switch (name) {
                    case "chrf" -> ChrfScore.of(texts).chrf();
                    case "chrf++" -> ChrfScore.of(texts).chrfPlusPlus();
                    default -> TerScore.of(texts).score();
                };
        number(what, found, expected);
    }

    private void corpus(List<TextPair> all, String name, JsonNode expected) {
        String what = "corpus " + name;
        if (!name.startsWith("bleu_")) {
            score(what, name, all, expected.path("score"));
            return;
        }
        List<TextPair> texts = all;
        Settings settings = settings(name);
        if (expected.path("rows").asText().matches("\\d+ to \\d+")) {
            String[] ends = expected.path("rows").asText().split(" to ");
            int end = Math.min(all.size(), Integer.parseInt(ends[1]) + 1);
            texts = all.subList(Math.min(end, Integer.parseInt(ends[0])), end);
        }
        bleu(what, BleuScore.of(texts, settings), expected);
    }

    private static Settings settings(String name) {
        BleuTokenizer tokenizer = tokenizer(name);
        boolean lowerCase = name.endsWith("_lower_case");
        return switch (name.replaceFirst(".*_smoothing_", "")) {
            case "none" -> new Settings(tokenizer, lowerCase, Smoothing.NONE, 0, false);
            case "floor" -> new Settings(tokenizer, lowerCase, Smoothing.FLOOR, 0.1, false);
            case "add-k" -> new Settings(tokenizer, lowerCase, Smoothing.ADD_K, 1, false);
            default -> new Settings(tokenizer, lowerCase, Smoothing.EXP, 0, false);
        };
    }

    private static BleuTokenizer tokenizer(String name) {
        for (BleuTokenizer tokenizer : BleuTokenizer.values()) {
            String begin = "bleu_" + tokenizer.wire();
            if (name.equals(begin) || name.startsWith(begin + "_")) {
                return tokenizer;
            }
        }
        throw Datasets.unsupported("the score " + name);
    }

    private void number(String what, double found, JsonNode expected) {
        comparison.number(what, found, expected.asDouble(Double.NaN), tolerance);
    }

    private static List<Integer> numbers(JsonNode array) {
        List<Integer> numbers = new ArrayList<>();
        array.forEach(number -> numbers.add(number.asInt()));
        return numbers;
    }
}
