package dev.tunesmith.contracts.problem;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Finds texts that no table of the platform takes: those with a NUL, or with half of a surrogate
/// pair.
public final class Unstorable {
    private final Problems problems;

    private Unstorable(Problems problems) {
        this.problems = problems;
    }

    /// Everything in a tree of plain values that cannot be stored, each by its path.
    public static List<Problem> problems(Map<String, ?> tree) {
        Problems problems = new Problems();
        new Unstorable(problems).look("", tree);
        return problems.kept();
    }

    /// Whether a text cannot be stored.
    public static boolean is(String text) {
        return text.codePoints().anyMatch(c -> c == 0 || (c >= 0xD800 && c <= 0xDFFF));
    }

    private void look(String path, @Nullable Object value) {
        switch (value) {
            case Map<?, ?> map ->
                    map.forEach((key, item) -> {
                        String below = below(path, key.toString());
                        text(below, key.toString());
                        look(below, item);
                    });
            case List<?> list -> {
                for (int i = 0; i < list.size(); i++) {
                    look(below(path, Integer.toString(i)), list.get(i));
                }
            }
            case String text -> text(path, text);
            case null, default -> {
                // Numbers and truths can always be stored.
            }
        }
    }

    private static String below(String path, String key) {
        return path.isEmpty() ? key : path + "." + key;
    }

    private void text(String path, String text) {
        if (is(text)) {
            problems.add(
                    ProblemCode.INVALID_VALUE,
                    path,
                    "has a NUL or half of a surrogate pair, which cannot be stored: leave it out");
        }
    }
}
