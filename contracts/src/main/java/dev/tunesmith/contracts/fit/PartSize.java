package dev.tunesmith.contracts.fit;

import java.util.List;

/// How much of a model trains where only a part of it does.
final class PartSize {

    private PartSize() {}

    /// The model with the layers and routers that it gets first.
    static ModelFacts grown(ModelFacts given, Workload work) {
        long routers = (long) DepthSize.layers(given, work) * given.width();
        ModelFacts model = given.withParameters(given.parameters() + routers);
        Workload.Portion portion = work.portion();
        return portion == null ? model : model.withLayers(model.layers() + portion.newLayers());
    }

    /// Values that train, of a model that has grown.
    static long trained(ModelFacts model, Workload work) {
        Workload.Portion portion = work.portion();
        if (portion == null) {
            return model.parameters();
        }
        boolean whole = portion.modules().contains("all");
        long each = whole ? model.layerParameters() : model.layerParameters(portion.modules());
        double layers =
                portion.share() > 0 ? model.layers() * portion.share() : portion.layers().size();
        return (long) Math.ceil(each * layers) + model.outerParameters(portion.extra());
    }

    /// Values of whole modules that train with an adapter.
    static long beside(ModelFacts model, Workload work) {
        Workload.Portion portion = work.portion();
        return portion == null ? 0 : model.outerParameters(portion.extra());
    }

    /// Layers through which gradients pass: those from the first one that trains.
    static int passed(ModelFacts model, Workload work) {
        Workload.Portion portion = work.portion();
        if (portion == null
                || portion.share() > 0
                || !lateOnly(portion.extra())
                || portion.layers().isEmpty()) {
            return model.layers();
        }
        return model.layers() - portion.layers().getFirst();
    }

    /// Whether these modules stand behind the last layer.
    private static boolean lateOnly(List<String> modules) {
        return modules.stream().allMatch(name -> name.endsWith("norm") || name.contains("head"));
    }
}
