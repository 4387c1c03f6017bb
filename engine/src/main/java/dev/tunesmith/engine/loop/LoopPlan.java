package dev.tunesmith.engine.loop;

import dev.tunesmith.contracts.care.Care;
import dev.tunesmith.contracts.job.Origin;
import dev.tunesmith.contracts.job.ResolvedSpec;
import dev.tunesmith.contracts.method.Method;
import dev.tunesmith.engine.loop.care.Saving;
import dev.tunesmith.engine.loop.rate.LearningRate;

/// What a run does at which step.
///
/// @param order which rows a step trains
/// @param microRows rows that go through the model at once; a step is computed in as many parts as
///   it needs, and its result does not depend on them beyond rounding
/// @param rate learning rate, and by it the number of steps
/// @param evaluateEvery steps between evaluations; 0 evaluates before the first and after the last
/// @param saving when there are checkpoints
/// @param care what watches over the run
/// @param rowsAlone whether the loss of a single row says something about that row
public record LoopPlan(
        DataOrder order,
        int microRows,
        LearningRate rate,
        int evaluateEvery,
        Saving saving,
        Care care,
        boolean rowsAlone) {

    /// A run that nobody watches over in a special way.
    public LoopPlan(
            DataOrder order, int microRows, LearningRate rate, int evaluateEvery, int saveEvery) {
        this(
                order,
                microRows,
                rate,
                evaluateEvery,
                new Saving(saveEvery, false),
                Care.USUAL,
                false);
    }

    public LoopPlan {
        if (microRows < 1 || evaluateEvery < 0) {
            throw new IllegalArgumentException(
                    "%d rows at once, evaluation every %d".formatted(microRows, evaluateEvery));
        }
    }

    /// The plan of a job over `rows` rows, which is known exactly only once they are packed.
    static LoopPlan of(ResolvedSpec spec, int rows) {
        DataOrder order =
                new DataOrder(
                        rows,
                        spec.rows().batchSize(),
                        lots(spec),
                        spec.settings().updatesPerBatch());
        long all = Math.multiplyExact((long) order.stepsPerEpoch(), spec.steps().nEpochs());
        Integer limit = spec.steps().maxSteps();
        int total = Math.toIntExact(limit == null ? all : Math.min(all, limit));
        ResolvedSpec.Optimizer optimizer = spec.optimizer();
        LearningRate rate =
                new LearningRate(
                        optimizer.curve(),
                        optimizer.learningRate(),
                        Math.toIntExact(optimizer.warmupOf(total)),
                        total);
        return new LoopPlan(
                order,
                spec.rows().microBatch(),
                rate,
                spec.steps().evalSteps(),
                saving(spec),
                spec.steps().care(),
                rowsAlone(spec.method()));
    }

    /// An interval that nobody asked for gives way where checkpoints would cost too much.
    private static Saving saving(ResolvedSpec spec) {
        Origin origin = spec.origins().get("save_steps");
        boolean open = origin != null && origin.kind() == Origin.Kind.DERIVED;
        return new Saving(spec.steps().saveSteps(), open);
    }

    /// Answers of the model itself, and answers that are compared with others of their batch,
    /// cannot be judged one by one.
    private static boolean rowsAlone(Method method) {
        return switch (method.rowKind()) {
            case CONVERSATION, DOCUMENT, PAIR -> true;
            case PROMPT, JUDGED -> false;
        };
    }

    private static DataOrder.Lots lots(ResolvedSpec spec) {
        return switch (spec.rows().plan().order()) {
            case SHUFFLED -> DataOrder.Lots.ROWS;
            case GROUPED_BY_LENGTH -> DataOrder.Lots.STEPS;
            case GIVEN, BY_LENGTH, BY_COLUMN -> DataOrder.Lots.NONE;
        };
    }

    /// Optimizer steps of the whole run.
    public int totalSteps() {
        return rate.totalSteps();
    }
}
