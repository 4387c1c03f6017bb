package dev.tunesmith.engine.nn.depth;

import java.util.Map;
import java.util.TreeMap;

/// How well routers tell from one token alone what they choose among all: the binary cross-entropy
/// of `sigmoid(score)` against "is among the chosen", the mean over tokens and routers.
///
/// Its gradient goes to the routers and not to the rows that they read, so that it does not move
/// what the model computes.
public final class DepthLoss {

    private final Map<Integer, Layer> layers = new TreeMap<>();
    private double weight;
    private double slope;

    /// What one router did in its last forward pass.
    private record Layer(int tokens, double entropies, int alone) {}

    /// Figures of the last forward pass.
    ///
    /// @param loss mean over tokens and routers
    /// @param share of tokens that would pass when judged alone
    public record Figures(double loss, double share) {}

    /// Adds `newWeight` times the loss to whatever is differentiated; 0 leaves it out.
    public void weigh(double newWeight) {
        this.weight = newWeight;
    }

    /// A step of so many tokens begins, over whatever batches it is spread.
    ///
    /// @param routers that judge every token
    void begin(long tokens, int routers) {
        slope = tokens == 0 ? 0 : weight / ((double) tokens * routers);
    }

    /// Notes a forward pass; that of a layer that is computed again takes the place of its first.
    void observe(int layer, double[] scores_N, boolean[] passes_N) {
        double sum = 0;
        int alone = 0;
        for (int n = 0; n < scores_N.length; n++) {
            double against = passes_N[n] ? -scores_N[n] : scores_N[n];
            sum += Math.max(against, 0) + Math.log1p(Math.exp(-Math.abs(against)));
            alone += DepthRouter.passesAlone(scores_N[n]) ? 1 : 0;
        }
        layers.put(layer, new Layer(scores_N.length, sum, alone));
    }

    /// Derivative of the weighted loss by a score.
    double slope(double score, boolean passes) {
        return slope * (1 / (1 + Math.exp(-score)) - (passes ? 1 : 0));
    }

    /// Whether the loss is differentiated.
    boolean counts() {
        return slope != 0;
    }

    /// What the last forward pass of all layers has shown.
    public Figures figures() {
        double tokens = 0;
        double entropies = 0;
        double alone = 0;
        for (Layer layer : layers.values()) {
            tokens += layer.tokens;
            entropies += layer.entropies;
            alone += layer.alone;
        }
        return new Figures(entropies / Math.max(1, tokens), alone / Math.max(1, tokens));
    }
}
