package dev.tunesmith.engine.objective;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// What memories of answers have in common: which of their parts an update trains on, and how
/// values are read back from the files they wrote. What a file lacks is empty or 0.
public final class StoredAnswers {

    private StoredAnswers() {}

    /// The parts of update number `use`: every `miniBatches`-th, or every one if there are fewer.
    public static <T> List<List<T>> ofUpdate(List<List<T>> parts, int miniBatches, int use) {
        int updates = Math.min(miniBatches, parts.size());
        List<List<T>> chosen = new ArrayList<>();
        for (int part = use % Math.max(1, updates); part < parts.size(); part += updates) {
            chosen.add(parts.get(part));
        }
        return chosen;
    }

    /// Metrics that were stored as their values.
    public static Metrics figures(@Nullable Object value) {
        Map<String, Double> restored = new LinkedHashMap<>();
        if (value instanceof Map<?, ?> values) {
            values.forEach((name, figure) -> restored.put(name.toString(), number(figure)));
        }
        return Metrics.of(restored);
    }

    /// The elements of a stored list.
    public static List<?> list(@Nullable Object value) {
        return value instanceof List<?> list ? list : List.of();
    }

    /// The numbers of a stored list.
    public static double[] numbers(@Nullable Object value) {
        return list(value).stream().mapToDouble(StoredAnswers::number).toArray();
    }

    /// A stored number.
    public static double number(@Nullable Object value) {
        return value instanceof Number number ? number.doubleValue() : 0;
    }
}
