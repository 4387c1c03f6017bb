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

    /// The answers of update number `use`, in parts as large as the stored ones: one of
    /// `miniBatches` stretches of all answers, or a single answer if there are fewer. Which answers
    /// these are does not depend on how they were cut into parts.
    public static <T> List<List<T>> ofUpdate(List<List<T>> parts, int miniBatches, int use) {
        List<T> all = parts.stream().flatMap(List::stream).toList();
        int width = parts.stream().mapToInt(List::size).max().orElse(1);
        int updates = Math.max(1, Math.min(miniBatches, all.size()));
        int number = use % updates;
        int from = all.size() * number / updates;
        int to = all.size() * (number + 1) / updates;
        List<List<T>> chosen = new ArrayList<>();
        for (int begin = from; begin < to; begin += width) {
            chosen.add(all.subList(begin, Math.min(to, begin + width)));
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
