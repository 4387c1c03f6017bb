package dev.tunesmith.engine.loop;

import dev.tunesmith.engine.loop.DataOrder.Cursor;
import dev.tunesmith.engine.loop.care.Best;
import dev.tunesmith.engine.loop.care.Watch;
import dev.tunesmith.engine.loop.rate.Plateau;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Everything that a run remembers between two steps beside its tensors.
///
/// @param step finished optimizer steps
/// @param cursor where the next step reads
/// @param draws forward passes of training so far: the counter that every random mask starts from
/// @param trainedTokens tokens with a label that were trained
/// @param evaluatedStep step of the latest evaluation, or -1
/// @param plateau what evaluations have done to the learning rate
/// @param metrics all steps so far
/// @param watch what the guard remembers
/// @param best the best evaluation
public record LoopState(
        int step,
        Cursor cursor,
        long draws,
        long trainedTokens,
        int evaluatedStep,
        Plateau plateau,
        MetricsTable metrics,
        Watch watch,
        Best best) {

    /// The state before the first step.
    public static LoopState start(LoopPlan plan, long seed) {
        Plateau plateau = Plateau.start(plan.rate().peak());
        return new LoopState(
                0,
                plan.order().start(seed),
                0,
                0,
                -1,
                plateau,
                MetricsTable.EMPTY,
                Watch.START,
                Best.NONE);
    }

    /// Steps that have changed the weights.
    int applied() {
        return step - watch.left();
    }

    /// The state after one more step of `parts` forward passes.
    LoopState afterStep(DataOrder order, int parts, long labels, Watch now) {
        return new LoopState(
                step + 1,
                order.after(cursor),
                draws + parts,
                trainedTokens + labels,
                evaluatedStep,
                plateau,
                metrics,
                now,
                best);
    }

    /// The state after an evaluation at this step.
    LoopState afterEvaluation(Plateau plateau, Best best) {
        return new LoopState(
                step, cursor, draws, trainedTokens, step, plateau, metrics, watch, best);
    }

    /// The state with another table.
    LoopState with(MetricsTable table) {
        return new LoopState(
                step, cursor, draws, trainedTokens, evaluatedStep, plateau, table, watch, best);
    }

    /// The state as a tree of plain values, for a checkpoint's JSON file.
    public Map<String, Object> tree() {
        Map<String, Object> tree = new LinkedHashMap<>();
        tree.put("step", step);
        tree.put("seed", cursor.seed());
        tree.put("epoch", cursor.epoch());
        tree.put("row", cursor.row());
        tree.put("use", cursor.use());
        tree.put("draws", draws);
        tree.put("trained_tokens", trainedTokens);
        tree.put("evaluated_step", evaluatedStep);
        tree.put(
                "plateau",
                List.of(
                        plateau.rate(),
                        Double.toString(plateau.best()),
                        plateau.waited(),
                        plateau.cooling()));
        tree.put("watched_losses", watch.losses());
        tree.put("watch", List.of(watch.lowUntil(), watch.skipped(), watch.left()));
        tree.put("best", List.of(Double.toString(best.value()), best.step(), best.waited()));
        List<List<@Nullable Number>> rows = new ArrayList<>();
        for (MetricsTable.Row row : metrics.rows()) {
            List<@Nullable Number> values = new ArrayList<>();
            values.add(row.step());
            values.add(row.trainLoss());
            values.add(row.trainAccuracy());
            values.add(row.validLoss());
            values.add(row.validAccuracy());
            rows.add(values);
        }
        tree.put("metrics", rows);
        return tree;
    }

    /// Reads what [#tree] wrote. A missing value is an error: guessing it would end in a run that
    /// silently differs.
    public static LoopState of(Map<String, ?> tree) {
        List<MetricsTable.Row> rows = new ArrayList<>();
        for (Object entry : (List<?>) value(tree, "metrics")) {
            List<?> values = (List<?>) entry;
            rows.add(
                    new MetricsTable.Row(
                            ((Number) values.get(0)).intValue(),
                            measured(values.get(1)),
                            measured(values.get(2)),
                            measured(values.get(3)),
                            measured(values.get(4))));
        }
        return new LoopState(
                (int) integer(tree, "step"),
                new Cursor(
                        integer(tree, "seed"),
                        (int) integer(tree, "epoch"),
                        (int) integer(tree, "row"),
                        (int) integer(tree, "use")),
                integer(tree, "draws"),
                integer(tree, "trained_tokens"),
                (int) integer(tree, "evaluated_step"),
                plateau((List<?>) value(tree, "plateau")),
                new MetricsTable(rows),
                watch((List<?>) value(tree, "watched_losses"), (List<?>) value(tree, "watch")),
                best((List<?>) value(tree, "best")));
    }

    private static Watch watch(List<?> losses, List<?> values) {
        return new Watch(
                losses.stream().map(loss -> ((Number) loss).doubleValue()).toList(),
                ((Number) values.get(0)).intValue(),
                ((Number) values.get(1)).intValue(),
                ((Number) values.get(2)).intValue());
    }

    private static Best best(List<?> values) {
        return new Best(
                Double.parseDouble(String.valueOf(values.get(0))),
                ((Number) values.get(1)).intValue(),
                ((Number) values.get(2)).intValue());
    }

    private static Plateau plateau(List<?> values) {
        return new Plateau(
                ((Number) values.get(0)).doubleValue(),
                Double.parseDouble(String.valueOf(values.get(1))),
                ((Number) values.get(2)).intValue(),
                ((Number) values.get(3)).intValue());
    }

    private static @Nullable Double measured(@Nullable Object value) {
        return value == null ? null : ((Number) value).doubleValue();
    }

    private static long integer(Map<String, ?> tree, String key) {
        return ((Number) value(tree, key)).longValue();
    }

    private static Object value(Map<String, ?> tree, String key) {
        Object value = tree.get(key);
        if (value == null) {
            throw new CheckpointException("the loop state has no value for " + key);
        }
        return value;
    }
}
