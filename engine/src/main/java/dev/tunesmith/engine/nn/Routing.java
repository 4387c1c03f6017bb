package dev.tunesmith.engine.nn;

import java.util.Map;
import java.util.TreeMap;

/// How evenly the routers of a model use their experts, over all layers of the last forward pass,
/// and the auxiliary loss that makes them (Switch Transformers, arXiv 2101.03961).
///
/// The loss is `experts · Σ_e f_e · P_e`, where f_e is how often expert e was chosen for a token
/// and P_e its mean probability; layers and tokens count alike.
public final class Routing {

    private final int experts;
    private final Map<Integer, Layer> layers = new TreeMap<>();
    private double weight;

    /// What one layer did in its last forward pass.
    private record Layer(int tokens, int[] chosen_E, double[] probability_E) {}

    /// For routers with that many experts.
    public Routing(int experts) {
        this.experts = experts;
    }

    /// Notes a forward pass; that of a layer that is computed again takes the place of its first.
    void observe(int layer, int tokens, int[] chosen_E, double[] probability_E) {
        layers.put(layer, new Layer(tokens, chosen_E, probability_E));
    }

    /// Adds `weight` times the auxiliary loss to whatever is differentiated; 0 leaves it out.
    public void weigh(double newWeight) {
        this.weight = newWeight;
    }

    /// The auxiliary loss of the last forward pass.
    public double loss() {
        double tokens = tokens();
        double sum = 0;
        for (int e = 0; e < experts; e++) {
            double probability = 0;
            for (Layer layer : layers.values()) {
                probability += layer.probability_E[e];
            }
            sum += share(e) * probability / tokens;
        }
        return experts * sum;
    }

    /// Derivative of the weighted loss by the probability of each expert for any token.
    double[] slope_E() {
        double[] slope_E = new double[experts];
        double tokens = tokens();
        for (int e = 0; e < experts && weight != 0; e++) {
            slope_E[e] = weight * experts * share(e) / tokens;
        }
        return slope_E;
    }

    private double share(int expert) {
        double chosen = 0;
        for (Layer layer : layers.values()) {
            chosen += layer.chosen_E[expert];
        }
        return chosen / tokens();
    }

    private double tokens() {
        return layers.values().stream().mapToInt(Layer::tokens).sum();
    }
}
