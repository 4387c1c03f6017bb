package dev.tunesmith.contracts.tool;

import dev.tunesmith.contracts.jinja.Arguments;
import dev.tunesmith.contracts.jinja.JsonText;
import dev.tunesmith.contracts.jinja.Values;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// JSON texts as Python's `json.dumps(…, ensure_ascii=False)` writes them.
public final class Json {

    private static final Arguments INDENTED = new Arguments(List.of(), Map.of("indent", 4L));

    private Json() {}

    /// On one line, with a blank behind commas and colons.
    public static String line(@Nullable Object value) {
        return JsonText.of(Values.of(value), Arguments.NONE);
    }

    /// One field a line, four blanks a level.
    public static String indented(@Nullable Object value) {
        return JsonText.of(Values.of(value), INDENTED);
    }

    /// Texts as they are, everything else as JSON.
    static String bare(@Nullable Object value) {
        return value instanceof String text ? text : line(value);
    }

    /// Whether all its numbers are finite, so that others can read it too.
    static boolean isSound(@Nullable Object value) {
        return switch (value) {
            case Double number -> Double.isFinite(number);
            case Map<?, ?> map -> map.values().stream().allMatch(Json::isSound);
            case List<?> list -> list.stream().allMatch(Json::isSound);
            case null, default -> true;
        };
    }
}
