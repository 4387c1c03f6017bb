package dev.tunesmith.contracts.fit;

import java.util.List;

/// How many values an adapter has, and how many it adds to what a step keeps.
final class AdapterSize {

    private AdapterSize() {}

    private static List<ModelFacts.Linear> targets(ModelFacts model, Workload work) {
        return model.linears().stream()
                .filter(linear ->
                        work.targetModules().contains("all-linear")
                                || work.targetModules().contains(linear.name()))
                .toList();
    }

    private static long inputs(ModelFacts model, Workload work) {
        return targets(model, work).stream().mapToLong(ModelFacts.Linear::inputs).sum();
    }

    private static long outputs(ModelFacts model, Workload work) {
        return targets(model, work).stream().mapToLong(ModelFacts.Linear::outputs).sum();
    }

    /// Values that train.
    static long trained(ModelFacts model, Workload work) {
        long size = work.loraRank();
        long modules = targets(model, work).size();
        long factors = model.loraParameters(work.loraRank(), work.targetModules());
        long width = model.width();
        return switch (work.kind()) {
            case NONE, FREEZE, LLAMA_PRO, SPECTRUM -> 0;
            case LORA, QLORA, PISSA, OLORA, LOFTQ -> factors;
            case DORA -> factors + model.layers() * outputs(model, work);
            case ADALORA -> factors + model.layers() * modules * size;
            // What does not train is counted too: every layer has its corner of the factors.
            case VERA -> factors + model.layers() * (outputs(model, work) + modules * size);
            case IA3 -> model.layers() * (inputs(model, work) + outputs(model, work));
            case OFT -> model.layers() * inputs(model, work) * (size - 1) / 2;
            case BOFT -> model.layers() * (inputs(model, work) * size + outputs(model, work));
            case PROMPT_TUNING -> size * width;
            case P_TUNING -> size * width + 3 * (width + 1) * width;
            case PREFIX_TUNING -> size * 2 * model.layers() * model.keyWidth();
        };
    }

    /// Frozen values that are held once more, because the adapter begins with a part of them.
    static long replaced(ModelFacts model, Workload work) {
        return switch (work.kind()) {
            case PISSA, OLORA ->
                    model.layers()
                            * targets(model, work).stream()
                                    .mapToLong(linear -> linear.inputs() * linear.outputs())
                                    .sum();
            default -> 0;
        };
    }

    /// Values a token that one layer keeps for the backward pass.
    static long saved(ModelFacts model, Workload work) {
        long ranks = (long) model.linears().size() * work.loraRank();
        return switch (work.kind()) {
            case NONE, FREEZE, LLAMA_PRO, SPECTRUM -> 0;
            case LORA, QLORA, PISSA, OLORA, LOFTQ -> ranks;
            case ADALORA -> 2 * ranks;
            case DORA -> ranks + outputs(model, work);
            case VERA -> 2 * ranks + 2 * outputs(model, work);
            case IA3 -> inputs(model, work) + outputs(model, work);
            case OFT -> inputs(model, work);
            case BOFT -> inputs(model, work) + outputs(model, work);
            case PROMPT_TUNING, P_TUNING -> 0;
            // Queries, keys, values and outputs once more, beside the learned rows.
            case PREFIX_TUNING -> 2L * model.queryWidth() + 2L * model.keyWidth();
        };
    }
}
