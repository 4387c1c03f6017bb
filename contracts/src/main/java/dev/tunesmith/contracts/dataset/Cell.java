package dev.tunesmith.contracts.dataset;

import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Values of tables without types, where a verdict or a number is a text.
public final class Cell {

    private static final int NUMBER_CHARACTERS_MAX = 40;
    private static final Pattern NUMBER =
            Pattern.compile("[+-]?(\\d+(\\.\\d*)?|\\.\\d+)([eE][+-]?\\d+)?");

    private Cell() {}

    /// A verdict: a truth value, or `true`, `false`, `1` or `0` as a text or number.
    public static Optional<Boolean> verdict(@Nullable Object value) {
        return switch (value) {
            case Boolean known -> Optional.of(known);
            case String text -> ofText(text.strip().toLowerCase(Locale.ROOT));
            case Number number when number.doubleValue() == 1 -> Optional.of(true);
            case Number number when number.doubleValue() == 0 -> Optional.of(false);
            case null, default -> Optional.empty();
        };
    }

    private static Optional<Boolean> ofText(String text) {
        return switch (text) {
            case "true", "1" -> Optional.of(true);
            case "false", "0" -> Optional.of(false);
            default -> Optional.empty();
        };
    }

    /// A finite number, which may be written as a text.
    public static Optional<Double> number(@Nullable Object value) {
        double number =
                switch (value) {
                    case Number known -> known.doubleValue();
                    case String text when isNumber(text.strip()) ->
                            Double.parseDouble(text.strip());
                    case null, default -> Double.NaN;
                };
        return Double.isFinite(number) ? Optional.of(number) : Optional.empty();
    }

    private static boolean isNumber(String text) {
        return text.length() <= NUMBER_CHARACTERS_MAX && NUMBER.matcher(text).matches();
    }

    /// Reads the cells of a row that can be nothing but verdicts: `kto_tag`, and a `label` of
    /// `true` or `false` beside a completion. Labels of other files are theirs.
    static void readVerdicts(Map<String, Object> row) {
        verdict(row.get("kto_tag")).ifPresent(verdict -> row.put("kto_tag", verdict));
        if (row.get("label") instanceof String label
                && label.strip().length() > 1
                && row.containsKey("completion")
                && !row.containsKey("chosen")) {
            verdict(label).ifPresent(verdict -> row.put("label", verdict));
        }
    }
}
