package dev.tunesmith.contracts.fit;

/// How many tokens pass the layers that few tokens pass.
final class DepthSize {

    /// A text sends at least one token: shares of texts this short are rounded up.
    private static final int TEXT_TOKENS_MIN = 8;

    private DepthSize() {}

    /// Layers with a router. What a model brings along is not known here: then every layer may have
    /// one, and let all tokens pass.
    static int layers(ModelFacts model, Workload work) {
        return switch (work.depth().start()) {
            case OFF -> 0;
            case CONVERT -> model.layers() / work.depth().every();
            case LOAD -> model.layers();
        };
    }

    /// Tokens of the largest batch that pass such a layer.
    static long tokens(Workload work) {
        if (work.depth().start() != Depth.Start.CONVERT) {
            return work.tokens();
        }
        long share = (long) Math.ceil(work.depth().capacity() * work.tokens());
        return Math.min(work.tokens(), share + work.microBatch() + work.tokens() / TEXT_TOKENS_MIN);
    }
}
