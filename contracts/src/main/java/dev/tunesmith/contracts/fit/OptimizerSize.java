package dev.tunesmith.contracts.fit;

import dev.tunesmith.contracts.optim.OptimizerKind;
import dev.tunesmith.contracts.optim.OptimizerSpec;

/// Bytes that an optimizer keeps beside the weights.
///
/// @param gradients fp32 sums that a step collects
/// @param states what lasts from step to step: moments, averages, projections
/// @param masters fp32 copies of bf16 weights
/// @param reason the arithmetic, for the plan
record OptimizerSize(long gradients, long states, long masters, String reason) {

    private static final int EIGHT_BIT_BLOCK = 256;
    private static final int MOMENTS = 8;

    static OptimizerSize of(ModelFacts model, Workload work, long trained) {
        OptimizerSpec spec = work.optimizer();
        OptimizerKind kind = spec.kind();
        long active = kind == OptimizerKind.BADAM ? model.layerParameters() : trained;
        boolean copies = work.bf16() && !work.lora() && kind.masters();
        long masters = copies ? 4 * active : 0;
        long all = states(model, work, kind == OptimizerKind.BADAM ? active : trained);
        long states = work.kept().onDisk() ? 0 : all;
        long average = work.kept().average() ? 4 * trained : 0;
        long best = work.kept().best() ? (work.bf16() && !work.lora() ? 2 : 4) * trained : 0;
        boolean fused = kind.stepsInBackward() && work.kept().atOnce() && !work.lora();
        return new OptimizerSize(
                fused ? 4 * Math.min(active, oneLayer(model)) : 4 * active,
                states + average + best,
                masters,
                "%s: %.2f bytes × %d%s%s%s%s"
                        .formatted(
                                kind.wire(),
                                (double) all / Math.max(1, active),
                                active,
                                work.kept().onDisk() ? " on disk" : "",
                                copies ? ", fp32 masters: 4 bytes × %d".formatted(active) : "",
                                average > 0 ? ", average: 4 bytes × %d".formatted(trained) : "",
                                best > 0 ? ", best weights: %d bytes".formatted(best) : ""));
    }

    /// Gradients that live at the same time when each layer is changed during the backward pass: a
    /// layer's beside those of a table that the head shares, or the larger of both.
    private static long oneLayer(ModelFacts model) {
        long table = (long) model.vocabulary() * model.width();
        return model.tied()
                ? table + model.layerParameters()
                : Math.max(table, model.layerParameters());
    }

    private static long states(ModelFacts model, Workload work, long trained) {
        OptimizerSpec spec = work.optimizer();
        return switch (spec.kind()) {
            case ADAMW -> (spec.flag("amsgrad") ? MOMENTS + 4 : MOMENTS) * trained;
            case ADAMW_BF16, LION -> 4 * trained;
            case ADAMW_8BIT -> eightBit(model, work, trained);
            case ADAFACTOR ->
                    (spec.number("beta1") > 0 ? 4 * trained : 0) + factors(model, work, trained);
            case SGD -> spec.number("momentum") > 0 ? 4 * trained : 0;
            case MUON -> work.lora() ? 4 * trained : MOMENTS * trained - 4 * matrices(model);
            case GALORE, APOLLO ->
                    MOMENTS * Math.max(0, trained - matrices(model))
                            + projected(model, spec.whole("rank"));
            case BADAM, SCHEDULE_FREE -> MOMENTS * trained;
            case LOMO -> 0;
            case ADALOMO -> factors(model, work, trained);
            case ADAM_MINI -> 4 * trained + factors(model, work, trained);
        };
    }

    /// Weights of the layers' matrices.
    private static long matrices(ModelFacts model) {
        return model.linearParameters();
    }

    private static long eightBit(ModelFacts model, Workload work, long trained) {
        long table = work.lora() ? 0 : (long) model.vocabulary() * model.width();
        long codes = trained - table;
        return 2 * codes + 2 * 4 * Math.ceilDiv(codes, EIGHT_BIT_BLOCK) + MOMENTS * table;
    }

    /// One number a row and a column of each matrix.
    private static long factors(ModelFacts model, Workload work, long trained) {
        if (work.lora()) {
            // Thin matrices: as many numbers as half of the values, at most.
            return 2 * trained;
        }
        long layer =
                model.linears().stream()
                        .mapToLong(linear -> linear.inputs() + linear.outputs())
                        .sum();
        return 4 * (model.layers() * layer + 2L * (model.vocabulary() + model.width()));
    }

    /// Moments in the subspace, and the projection.
    private static long projected(ModelFacts model, int rank) {
        long layer = 0;
        for (ModelFacts.Linear linear : model.linears()) {
            long narrow = Math.min(linear.inputs(), linear.outputs());
            long wide = Math.max(linear.inputs(), linear.outputs());
            long used = Math.min(rank, narrow);
            layer += MOMENTS * used * wide + 4 * used * narrow;
        }
        return model.layers() * layer;
    }
}
