package dev.tunesmith.contracts.fit;

/// How many tokens pass the layers that few tokens pass.
final class DepthSize {

    private DepthSize() {}

    /// Of so many layers one has a router; 0 where none has. Where nobody says what a model brings
    /// along, every layer may have one, and let all tokens pass.
    static int every(ModelFacts model, Workload work) {
        ModelFacts.Routers own = model.routers();
        return switch (work.depth().start()) {
            case OFF -> 0;
            case CONVERT -> work.depth().every();
            case LOAD -> own == null ? 1 : own.every();
        };
    }

    /// Layers with a router.
    static int layers(ModelFacts model, Workload work) {
        int every = every(model, work);
        return every == 0 ? 0 : model.layers() / every;
    }

    /// Tokens of the largest batch that pass such a layer.
    static long tokens(ModelFacts model, Workload work) {
        ModelFacts.Routers own = model.routers();
        double capacity =
                switch (work.depth().start()) {
                    case OFF -> 1;
                    case CONVERT -> work.depth().capacity();
                    case LOAD -> own == null ? 1 : own.capacity();
                };
        long share = (long) Math.ceil(capacity * work.tokens());
        return Math.min(work.tokens(), share + work.microBatch());
    }
}
