package dev.tunesmith.contracts.job;

import dev.tunesmith.contracts.fit.ModelFacts;
import dev.tunesmith.contracts.method.AdapterKind;
import dev.tunesmith.contracts.problem.Problem;
import dev.tunesmith.contracts.problem.ProblemCode;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/// What of a create body can only be judged once the model is known.
public final class ModelFit {

    /// Kinds whose file holds all that trains.
    private static final Set<AdapterKind> CONTINUED =
            EnumSet.of(
                    AdapterKind.LORA,
                    AdapterKind.QLORA,
                    AdapterKind.DORA,
                    AdapterKind.VERA,
                    AdapterKind.IA3,
                    AdapterKind.OFT,
                    AdapterKind.BOFT,
                    AdapterKind.PROMPT_TUNING,
                    AdapterKind.PREFIX_TUNING);

    private ModelFit() {}

    /// Everything that does not go with the model.
    public static List<Problem> problems(JobSpec spec, ModelFacts model) {
        TrainingOptions.Part part = spec.training().adapter().part();
        List<Problem> problems = new ArrayList<>();
        TrainingOptions.LayerChoice layers = part.layers();
        if (layers != null) {
            int most = layers.listed().stream().mapToInt(n -> n + 1).max().orElse(layers.count());
            if (Math.abs(most) > model.layers()) {
                problems.add(
                        Problem.of(
                                ProblemCode.INVALID_VALUE,
                                "x_training.trainable_layers",
                                "%s goes beyond the %d layers of the model"
                                        .formatted(layers.wire(), model.layers())));
            }
        }
        Integer copies = part.newBlocks();
        if (copies != null && copies > model.layers()) {
            problems.add(
                    Problem.of(
                            ProblemCode.INVALID_VALUE,
                            "x_training.new_blocks",
                            "%d copies of %d layers; at most one of each"
                                    .formatted(copies, model.layers())));
        }
        return problems;
    }

    /// Why a job cannot go on with an adapter that another job has made.
    ///
    /// @param before what that adapter is
    public static List<Problem> continuing(JobSpec spec, AdapterSpec before) {
        List<Problem> problems = new ArrayList<>();
        TrainingOptions.Adapter asked = spec.training().adapter();
        AdapterKind kind = asked.kind();
        if (!CONTINUED.contains(before.kind())) {
            problems.add(
                    Problem.of(
                            ProblemCode.INVALID_VALUE,
                            "model",
                            "%s is an adapter %s, of which not everything is saved that trained; start from its base, or export it merged"
                                    .formatted(spec.model(), before.kind().wire())));
        } else if (kind != null && kind != before.kind()) {
            problems.add(
                    Problem.of(
                            ProblemCode.INVALID_VALUE,
                            "x_training.adapter",
                            "%s is an adapter %s, with which training goes on; found %s"
                                    .formatted(spec.model(), before.kind().wire(), kind.wire())));
        }
        boolean reshaped =
                asked.rank() != null
                        || asked.alpha() != null
                        || asked.targetModules() != null
                        || asked.rslora() != null
                        || asked.quantization() != null
                        || !asked.sizes().equals(new TrainingOptions.Sizes(null, null))
                        || !asked.part().equals(TrainingOptions.Part.NOTHING)
                        || !asked.refinements().equals(TrainingOptions.Refinements.NOTHING);
        if (reshaped) {
            problems.add(
                    Problem.of(
                            ProblemCode.INVALID_VALUE,
                            "x_training",
                            "rank, alpha, targets and the like are those of %s, with which training goes on; leave them out"
                                    .formatted(spec.model())));
        }
        return problems;
    }
}
