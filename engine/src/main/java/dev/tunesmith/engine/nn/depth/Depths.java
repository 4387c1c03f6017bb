package dev.tunesmith.engine.nn.depth;

import dev.tunesmith.engine.nn.Context;
import dev.tunesmith.engine.tape.Tape;
import dev.tunesmith.engine.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// The routers of a model; one without any lets every token pass all layers.
public final class Depths {

    private final Map<Integer, DepthRouter> routers = new TreeMap<>();
    private final DepthLoss loss;

    /// @param loss of all of them
    public Depths(List<DepthRouter> routers, DepthLoss loss) {
        routers.forEach(router -> this.routers.put(router.layer(), router));
        this.loss = loss;
    }

    /// Every token passes all layers.
    public static Depths none() {
        return new Depths(List.of(), new DepthLoss());
    }

    /// Whether there are routers.
    public boolean on() {
        return !routers.isEmpty();
    }

    /// What teaches the routers to judge tokens alone.
    public DepthLoss loss() {
        return loss;
    }

    /// A step of so many tokens begins, over whatever batches it is spread.
    public void begin(long tokens) {
        loss.begin(tokens, Math.max(1, routers.size()));
    }

    /// Computes a layer for the tokens that pass it, and records it.
    public Tensor forward(
            int layer, Tape tape, Tensor x_ND, Context context, DepthRouter.Inside inside) {
        DepthRouter router = routers.get(layer);
        return router == null
                ? inside.forward(tape, x_ND, context)
                : router.forward(tape, x_ND, context, inside);
    }
}
