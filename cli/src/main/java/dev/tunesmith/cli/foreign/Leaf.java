package dev.tunesmith.cli.foreign;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/// A value of a file.
record Leaf(Object value) {
    private static final Set<String> OFF = Set.of("", "false", "none", "null", "0", "0.0", "no");

    /// A value of a table: a list in brackets, a number, a flag or a text.
    static Object parsed(String text) {
        if (text.startsWith("[") && text.endsWith("]")) {
            return words(text.substring(1, text.length() - 1));
        }
        if (text.equals("true") || text.equals("false")) {
            return Boolean.valueOf(text);
        }
        return text.matches("-?[0-9]+(\\.[0-9]*)?([eE][-+]?[0-9]+)?") ? number(text) : text;
    }

    private static List<String> words(String text) {
        return Arrays.stream(text.split(",", -1))
                .map(String::strip)
                .filter(word -> !word.isEmpty())
                .toList();
    }

    /// A whole number where it is one.
    private static Object number(String text) {
        double number = Double.parseDouble(text);
        boolean whole = number == Math.rint(number) && Math.abs(number) < 1e15;
        return whole && text.matches("-?[0-9]+") ? (Object) (long) number : (Object) number;
    }

    /// As a person would write it; lists with commas.
    String text() {
        return value instanceof List<?> list
                ? list.stream().map(String::valueOf).collect(Collectors.joining(","))
                : value.toString();
    }

    /// Whether it says that something is not wanted.
    boolean off() {
        return OFF.contains(text().toLowerCase(java.util.Locale.ROOT));
    }

    /// The parts of a list, or of a text with commas.
    List<String> list() {
        return words(text());
    }
}
