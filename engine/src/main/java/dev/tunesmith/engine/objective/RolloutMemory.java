package dev.tunesmith.engine.objective;

import dev.tunesmith.contracts.method.MethodSettings.Ppo;
import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.io.JsonTree;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What PPO remembers between two optimizer steps: the answers of the rollout, the price of the
/// distance, and the scores seen so far.
final class RolloutMemory {

    private static final String FILE = "rollout.json";
    private static final double DEVIATION_MIN = 1e-8;

    private final KlControl control;
    private List<List<Experience>> parts = List.of();
    private Metrics figures = Metrics.NONE;
    private long scores;
    private double scoreMean;
    private double scoreSquares;

    RolloutMemory(Ppo.Distance distance) {
        this.control = new KlControl(distance);
    }

    KlControl control() {
        return control;
    }

    /// The answers, in the parts in which they go through the model.
    List<List<Experience>> parts() {
        return parts;
    }

    /// What there is to say about them.
    Metrics figures() {
        return figures;
    }

    void keep(List<List<Experience>> answers, Metrics ofAnswers) {
        parts = List.copyOf(answers);
        figures = Metrics.of(ofAnswers.plus(figures).values());
    }

    /// Notes figures of a new rollout.
    void observe(Metrics ofRollout) {
        figures = ofRollout;
    }

    /// Notes the scores of a new rollout for [#normalised].
    void saw(double[] newScores) {
        for (double score : newScores) {
            scores++;
            double before = score - scoreMean;
            scoreMean += before / scores;
            scoreSquares += before * (score - scoreMean);
        }
    }

    /// How far a score is from the mean of all that were seen, in their deviations (Welford's
    /// running sums), as LLaMA-Factory's `ppo_score_norm` has it.
    double normalised(double score) {
        if (scores < 2) {
            return score;
        }
        double deviation = Math.sqrt(scoreSquares / (scores - 1));
        return deviation < DEVIATION_MIN ? 0 : (score - scoreMean) / deviation;
    }

    void save(Path folder) throws IOException {
        Map<String, Object> tree = new LinkedHashMap<>();
        tree.put("kl_coef", control.coefficient());
        tree.put("scores", scores);
        tree.put("score_mean", scoreMean);
        tree.put("score_squares", scoreSquares);
        tree.put("figures", figures.values());
        List<Object> stored = new ArrayList<>();
        for (List<Experience> part : parts) {
            stored.add(part.stream().map(RolloutMemory::tree).toList());
        }
        tree.put("parts", stored);
        JsonTree.write(folder.resolve(FILE), tree);
    }

    private static Map<String, Object> tree(Experience answer) {
        Map<String, Object> tree = new LinkedHashMap<>();
        tree.put("ids", answer.document().ids());
        tree.put("item", (double) answer.document().value());
        tree.put("log_probs", answer.logProbs());
        tree.put("values", answer.values());
        tree.put("advantages", answer.advantages());
        tree.put("returns", answer.returns());
        return tree;
    }

    void restore(Path folder) {
        Map<String, Object> tree = JsonTree.read(folder.resolve(FILE));
        control.restore(StoredAnswers.number(tree.get("kl_coef")));
        scores = (long) StoredAnswers.number(tree.get("scores"));
        scoreMean = StoredAnswers.number(tree.get("score_mean"));
        scoreSquares = StoredAnswers.number(tree.get("score_squares"));
        figures = StoredAnswers.figures(tree.get("figures"));
        List<List<Experience>> read = new ArrayList<>();
        for (Object part : StoredAnswers.list(tree.get("parts"))) {
            List<Experience> answers = new ArrayList<>();
            for (Object answer : StoredAnswers.list(part)) {
                answers.add(experience((Map<?, ?>) answer));
            }
            read.add(answers);
        }
        parts = List.copyOf(read);
    }

    private static Experience experience(Map<?, ?> tree) {
        double[] ids = StoredAnswers.numbers(tree.get("ids"));
        double[] logProbs = StoredAnswers.numbers(tree.get("log_probs"));
        int[] tokens = new int[ids.length];
        float[] weights = new float[ids.length];
        for (int i = 0; i < tokens.length; i++) {
            tokens[i] = (int) ids[i];
            weights[i] = i >= tokens.length - logProbs.length ? 1 : 0;
        }
        return new Experience(
                new Sample(tokens, weights, (float) StoredAnswers.number(tree.get("item"))),
                logProbs,
                StoredAnswers.numbers(tree.get("values")),
                StoredAnswers.numbers(tree.get("advantages")),
                StoredAnswers.numbers(tree.get("returns")));
    }
}
