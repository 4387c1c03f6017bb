package dev.tunesmith.engine.objective.group;

import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.objective.Metrics;
import dev.tunesmith.engine.objective.StoredAnswers;
import dev.tunesmith.engine.objective.group.GroupUpdate.Answer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What a group method remembers between two updates on the same answers.
final class GroupMemory {

    private static final String FILE = "groups.json";

    private List<List<Kept>> parts = List.of();
    private Metrics figures = Metrics.NONE;
    private double entropyMin = Double.NEGATIVE_INFINITY;

    /// An answer and how many of its tokens train.
    record Kept(Answer answer, long open) {}

    void keep(List<List<Kept>> answers, Metrics ofAnswers, double entropy) {
        parts = List.copyOf(answers);
        figures = Metrics.of(ofAnswers.values());
        entropyMin = entropy;
    }

    /// The answers, in the parts in which they go through the model.
    List<List<Kept>> parts() {
        return parts;
    }

    /// What there is to say about them.
    Metrics figures() {
        return figures;
    }

    /// Entropy below which a token does not train.
    double entropyMin() {
        return entropyMin;
    }

    void save(Path folder) throws IOException {
        Map<String, Object> tree = new LinkedHashMap<>();
        tree.put("figures", figures.values());
        tree.put("entropy_min", Double.toString(entropyMin));
        List<Object> stored = new ArrayList<>();
        for (List<Kept> part : parts) {
            stored.add(part.stream().map(GroupMemory::tree).toList());
        }
        tree.put("parts", stored);
        JsonTree.write(folder.resolve(FILE), tree);
    }

    private static Map<String, Object> tree(Kept kept) {
        Answer answer = kept.answer;
        Map<String, Object> tree = new LinkedHashMap<>();
        tree.put("ids", answer.document().ids());
        tree.put("weights", answer.document().weights());
        tree.put("old", answer.old());
        tree.put("reference", answer.reference());
        tree.put("advantage", answer.advantage());
        tree.put("open", kept.open);
        return tree;
    }

    void restore(Path folder) {
        Map<String, Object> tree = JsonTree.read(folder.resolve(FILE));
        figures = StoredAnswers.figures(tree.get("figures"));
        entropyMin = Double.parseDouble(String.valueOf(tree.get("entropy_min")));
        List<List<Kept>> read = new ArrayList<>();
        for (Object part : StoredAnswers.list(tree.get("parts"))) {
            read.add(
                    StoredAnswers.list(part).stream().map(kept -> kept((Map<?, ?>) kept)).toList());
        }
        parts = List.copyOf(read);
    }

    private static Kept kept(Map<?, ?> tree) {
        double[] ids = StoredAnswers.numbers(tree.get("ids"));
        double[] given = StoredAnswers.numbers(tree.get("weights"));
        int[] tokens = new int[ids.length];
        float[] weights = new float[ids.length];
        for (int i = 0; i < tokens.length; i++) {
            tokens[i] = (int) ids[i];
            weights[i] = (float) given[i];
        }
        return new Kept(
                new Answer(
                        new Sample(tokens, weights),
                        StoredAnswers.numbers(tree.get("old")),
                        StoredAnswers.numbers(tree.get("reference")),
                        StoredAnswers.number(tree.get("advantage"))),
                (long) StoredAnswers.number(tree.get("open")));
    }
}
