package dev.tunesmith.contracts.fit;

import java.util.List;
import java.util.stream.IntStream;

/// Where LLaMA Pro puts copies of layers (arXiv 2401.02415): the layers are split into as many
/// groups as there are copies, and behind each group stands a copy of its last layer.
public final class BlockExpansion {

    private BlockExpansion() {}

    /// Numbers that the copies have in the larger model.
    ///
    /// @param layers layers of the model as it was
    /// @param copies at most as many
    public static List<Integer> places(int layers, int copies) {
        return IntStream.range(0, Math.min(layers, copies))
                .mapToObj(i -> (int) ((long) (i + 1) * layers / copies) + i)
                .toList();
    }

    /// For every layer of the larger model the layer that it was or is a copy of.
    public static List<Integer> sources(int layers, List<Integer> places) {
        return IntStream.range(0, layers + places.size())
                .mapToObj(layer -> {
                    long before = places.stream().filter(place -> place <= layer).count();
                    return (int) (layer - before);
                })
                .toList();
    }
}
