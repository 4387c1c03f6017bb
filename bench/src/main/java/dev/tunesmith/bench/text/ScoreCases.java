package dev.tunesmith.bench.text;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tunesmith.bench.golden.CaseRunner;
import dev.tunesmith.bench.golden.Comparison;
import dev.tunesmith.bench.golden.GoldenCase;
import dev.tunesmith.bench.golden.GoldenTensors;
import dev.tunesmith.bench.golden.Tolerance;
import dev.tunesmith.engine.score.ChineseWords;
import dev.tunesmith.engine.score.SimilarityScore;
import dev.tunesmith.engine.score.SmoothedCurve;
import dev.tunesmith.engine.score.TokenScore;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// `text/metrics`: scores of texts and of tokens.
public final class ScoreCases implements CaseRunner {

    @Override
    public void run(GoldenCase golden, Comparison comparison) {
        JsonNode tree = JsonFiles.tree(golden.folder().resolve(GoldenCase.FILE));
        Tolerance tolerance = new Tolerance(golden.number("tolerance.value", 0), 0, 0);
        switch (tree.path("kind").asText()) {
            case "text_scores" -> {
                if (tree.path("expected").path(0).has("bleu-4")) {
                    similarity(golden, tree, comparison, tolerance);
                } else {
                    TextScoreCases.of(golden, comparison, tolerance).compare(tree);
                }
            }
            case "token_accuracy" -> accuracy(golden, tree, comparison, tolerance);
            case "loss" -> loss(golden, tree, comparison, tolerance);
            case "smoothed_curve" -> curve(tree, comparison, tolerance);
            default -> throw Datasets.unsupported("unknown kind " + tree.path("kind"));
        }
    }

    private static void similarity(
            GoldenCase golden, JsonNode tree, Comparison comparison, Tolerance tolerance) {
        Map<Integer, JsonNode> pairs = new HashMap<>();
        JsonFiles.tree(golden.above("pairs.json"))
                .forEach(pair -> pairs.put(pair.path("id").asInt(), pair));
        List<SimilarityScore> scores = new ArrayList<>();
        for (JsonNode row : tree.path("expected")) {
            JsonNode pair = pairs.get(row.path("id").asInt());
            if (pair == null || !row.has("bleu-4")) {
                continue;
            }
            String prediction = pair.path("prediction").asText();
            String reference = pair.path("reference").asText();
            ChineseWords words = ChineseWords.shared();
            comparison.equal(
                    "words of " + prediction,
                    words.cut(prediction),
                    JsonFiles.texts(row.path("prediction_words")));
            comparison.equal(
                    "words of " + reference,
                    words.cut(reference),
                    JsonFiles.texts(row.path("reference_words")));
            SimilarityScore score = SimilarityScore.of(prediction, reference);
            scores.add(score);
            compare("row " + row.path("id"), score, row, comparison, tolerance);
        }
        JsonNode means = tree.path("means_over_rows_without_error");
        compare("means", SimilarityScore.mean(scores), means, comparison, tolerance);
    }

    private static void compare(
            String what,
            SimilarityScore score,
            JsonNode expected,
            Comparison comparison,
            Tolerance tolerance) {
        Map<String, Double> found =
                Map.of(
                        "rouge-1", score.rouge1(),
                        "rouge-2", score.rouge2(),
                        "rouge-l", score.rougeL(),
                        "bleu-4", score.bleu4());
        found.forEach((name, value) -> {
            if (expected.has(name)) {
                comparison.number(
                        what + " " + name, value, expected.path(name).asDouble(), tolerance);
            }
        });
    }

    private static TokenScore score(GoldenCase golden, int emptied) {
        GoldenTensors tensors =
                golden.tensors("inputs.safetensors")
                        .orElseThrow(() -> Datasets.unsupported("no inputs.safetensors"));
        float[] logits_BTV =
                tensors.floats("logits").orElseThrow(() -> Datasets.unsupported("no logits"));
        long[] shape = tensors.shape("logits");
        int positions = (int) shape[1];
        int[] labels_BT = tensors.integers("labels");
        for (int t = 0; emptied >= 0 && t < positions; t++) {
            labels_BT[emptied * positions + t] = -100;
        }
        return TokenScore.of(logits_BTV, labels_BT, positions, (int) shape[2]);
    }

    private static void accuracy(
            GoldenCase golden, JsonNode tree, Comparison comparison, Tolerance tolerance) {
        JsonNode expected = tree.path("expected");
        TokenScore score = score(golden, -1);
        number("accuracy", score.meanRowAccuracy(), expected, comparison, tolerance);
        JsonNode rows = expected.path("accuracy_of_rows");
        for (int i = 0; i < rows.size(); i++) {
            comparison.number(
                    "row " + i, score.rowAccuracies().get(i), rows.get(i).asDouble(), tolerance);
        }
        number(
                "other_definition_over_all_tokens",
                score.accuracy(),
                expected,
                comparison,
                tolerance);
        JsonNode without = expected.path("row_without_labels");
        if (without.has("accuracy")) {
            TokenScore other = score(golden, without.path("row").asInt());
            number("accuracy", other.meanRowAccuracy(), without, comparison, tolerance);
        }
    }

    private static void loss(
            GoldenCase golden, JsonNode tree, Comparison comparison, Tolerance tolerance) {
        JsonNode expected = tree.path("expected");
        TokenScore score = score(golden, -1);
        // Perplexity is the exponential, so its error grows with its size.
        Tolerance grown =
                new Tolerance(tolerance.absolute() * Math.max(1, score.perplexity()), 0, 0);
        number("loss", score.loss(), expected, comparison, tolerance);
        number("perplexity", score.perplexity(), expected, comparison, grown);
        number("labelled_tokens", score.labelled(), expected, comparison, tolerance);
        List<Double> losses = score.rowLosses();
        number(
                "mean_of_row_losses",
                losses.stream().mapToDouble(Double::doubleValue).average().orElse(0),
                expected,
                comparison,
                tolerance);
        number(
                "mean_of_row_perplexities",
                losses.stream().mapToDouble(Math::exp).average().orElse(0),
                expected,
                comparison,
                grown);
        number("token_accuracy_over_all_tokens", score.accuracy(), expected, comparison, tolerance);
        number(
                "mean_entropy_of_labelled_positions",
                score.entropy(),
                expected,
                comparison,
                tolerance);
        JsonNode rows = expected.path("loss_of_rows");
        for (int i = 0; i < rows.size(); i++) {
            comparison.number("row " + i, losses.get(i), rows.get(i).asDouble(), tolerance);
        }
    }

    private static void number(
            String name,
            double found,
            JsonNode expected,
            Comparison comparison,
            Tolerance tolerance) {
        if (expected.has(name)) {
            comparison.number(name, found, expected.path(name).asDouble(), tolerance);
        }
    }

    private static void curve(JsonNode tree, Comparison comparison, Tolerance tolerance) {
        for (JsonNode series : tree.path("expected")) {
            double[] values = new double[series.path("values").size()];
            for (int i = 0; i < values.length; i++) {
                values[i] = series.path("values").get(i).asDouble();
            }
            double[] smoothed = SmoothedCurve.of(values);
            String what = "series of " + values.length;
            comparison.number(
                    what + " weight",
                    SmoothedCurve.weight(values.length),
                    series.path("weight").asDouble(),
                    tolerance);
            for (int i = 0; i < smoothed.length; i++) {
                comparison.number(
                        what + " at " + i,
                        smoothed[i],
                        series.path("smoothed").get(i).asDouble(),
                        tolerance);
            }
        }
    }
}
