package dev.tunesmith.engine.nn.depth;

/// Which layers few tokens pass, and how few.
///
/// @param every of so many layers the last has a router
/// @param capacity share of the tokens of a text that passes it while it trains
public record DepthPlan(int every, double capacity) {

    public DepthPlan {
        if (every < 1 || !(capacity > 0) || capacity > 1) {
            throw new IllegalArgumentException(
                    "every %d layers, capacity %s".formatted(every, capacity));
        }
    }

    /// Whether that layer has a router.
    public boolean routes(int layer) {
        return layer % every == every - 1;
    }

    /// How many tokens of a text pass while it trains.
    public int passing(int tokens) {
        return Math.max(1, Math.min(tokens, (int) Math.ceil(capacity * tokens)));
    }
}
