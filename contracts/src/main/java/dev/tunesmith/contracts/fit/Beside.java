package dev.tunesmith.contracts.fit;

import dev.tunesmith.contracts.method.AdapterKind;
import dev.tunesmith.contracts.method.MethodSettings;
import dev.tunesmith.contracts.method.ModelRole;
import dev.tunesmith.contracts.method.Reference;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A model that is held beside the one that trains. It is read and does not change.
///
/// @param name what it is to the job
/// @param facts its shape; null for that of the model that trains
/// @param use what it does
/// @param rows rows that it reads at once; 0 for those of a batch
public record Beside(String name, @Nullable ModelFacts facts, Use use, int rows) {

    /// Answers that a reward model scores at once.
    private static final int SCORED = 8;

    /// What such a model does.
    public enum Use {
        /// It looks at texts.
        READS,
        /// It looks at texts, and its logits stand beside those of the model that trains.
        TEACHES,
        /// It answers questions.
        ANSWERS,
        /// It looks at texts, as the model that trains was before.
        BEFORE,
        /// The same, of which all but the adapter is that of the model that trains.
        ADAPTER_BEFORE
    }

    /// The models that a method needs.
    ///
    /// @param weights whether weights train, so that the model from before is one of its own; a new
    ///   adapter is only left out, and one with which training goes on is kept as it was
    /// @param known shapes of the models that the job names; others are taken for as large as the
    ///   one that trains
    public static List<Beside> of(
            MethodSettings settings, boolean weights, Map<ModelRole, ModelFacts> known) {
        List<Beside> all = new ArrayList<>();
        if (settings.needsReference() && settings.reference().model().isEmpty() && weights) {
            all.add(new Beside(ModelRole.REFERENCE.wire(), null, Use.BEFORE, 0));
        }
        if (settings.needsReference() && settings.reference().equals(Reference.START) && !weights) {
            all.add(new Beside("adapter as it was", null, Use.ADAPTER_BEFORE, 0));
        }
        settings.companions().keySet().stream()
                .sorted()
                .map(role -> of(role, known.get(role)))
                .forEach(all::add);
        return all;
    }

    private static Beside of(ModelRole role, @Nullable ModelFacts facts) {
        return switch (role) {
            case TEACHER -> new Beside(role.wire(), facts, Use.TEACHES, 0);
            case REFERENCE -> new Beside(role.wire(), facts, Use.READS, 0);
            case REWARD_MODEL -> new Beside(role.wire(), facts, Use.READS, SCORED);
            case SCORE_MODEL -> new Beside(role.wire(), facts, Use.ANSWERS, 0);
        };
    }

    /// Its shape.
    ModelFacts shape(ModelFacts model) {
        return facts == null ? model : facts;
    }

    /// Parameters of its weights and of its adapter.
    long parameters(ModelFacts model, Workload work) {
        return use == Use.ADAPTER_BEFORE
                ? adapterBefore(model, work)
                : shape(model).parameters() + (facts == null ? 0 : facts.adapter());
    }

    /// A LoftQ begins with what its codes have lost, so what it begins with is kept too.
    private static long adapterBefore(ModelFacts model, Workload work) {
        return work.kind() == AdapterKind.LOFTQ && model.adapter() == 0
                ? AdapterSize.trained(model, work)
                : model.adapter();
    }

    /// Bytes of its weights.
    long weights(ModelFacts model, Workload work) {
        return (work.bf16() ? 2 : 4) * parameters(model, work);
    }

    /// What it takes while it works, when the step has taken nothing yet. A step always takes more
    /// than its own model and adapter that only read.
    long working(ModelFacts model, Workload work) {
        if (use == Use.ADAPTER_BEFORE) {
            return 0;
        }
        ModelFacts shape = shape(model);
        Workload alone = work.withoutTraining(rows == 0 ? work.microBatch() : rows);
        return use == Use.ANSWERS
                ? StepSize.drawing(shape, alone)
                : new StepSize(shape, alone).silent();
    }

    /// What it adds to the loss of the model that trains.
    long inLoss(ModelFacts model, Workload work) {
        return use == Use.TEACHES ? StepSize.taught(shape(model), work) : 0;
    }
}
