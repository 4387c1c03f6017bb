package dev.tunesmith.cli.foreign;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// One row of a table: what becomes of an option with one of these values.
///
/// @param words a reason, or the nearest equivalent
record KeyRule(List<Pattern> keys, List<String> values, Outcome outcome, String words) {
    private static final String ABSENT = "absent";
    private static final Pattern COLUMN = Pattern.compile("\\s*\\|\\s*");

    /// What becomes of an option.
    sealed interface Outcome {}

    /// Its value stands at a path of our spec.
    record Move(String path, Form form) implements Outcome {}

    /// Values of ours stand at paths of our spec.
    record Put(Map<String, Object> values) implements Outcome {}

    /// It says where rows are or how they are read.
    ///
    /// @param method what such rows are for; empty if they do not tell
    record Rows(String method) implements Outcome {}

    /// It changes nothing here.
    record Ignore() implements Outcome {}

    /// It cannot be had.
    record Refuse() implements Outcome {}

    /// Reads a row of four columns.
    ///
    /// @throws IllegalArgumentException if it is none
    static KeyRule of(String line) {
        String[] columns = COLUMN.split(line.strip(), 4);
        if (columns.length < 3) {
            throw new IllegalArgumentException("expected key | value | outcome | words: " + line);
        }
        String words = columns.length > 3 ? columns[3].replaceFirst("\\s*\\|?\\s*$", "") : "";
        return new KeyRule(
                list(columns[0]).stream().map(KeyRule::pattern).toList(),
                list(columns[1]),
                outcome(columns[2].replaceFirst("\\s*\\|$", "").strip()),
                words);
    }

    private static List<String> list(String column) {
        return Arrays.stream(column.split(",", -1)).map(String::strip).toList();
    }

    /// A name in which `*` stands for anything, also for the names below it.
    private static Pattern pattern(String name) {
        return Pattern.compile(
                Arrays.stream(name.split("\\*", -1))
                        .map(Pattern::quote)
                        .collect(Collectors.joining(".*")),
                Pattern.CASE_INSENSITIVE);
    }

    private static Outcome outcome(String text) {
        String[] words = text.split("\\s+", 2);
        return switch (words[0]) {
            case "ignore" -> new Ignore();
            case "refuse" -> new Refuse();
            case "data" -> new Rows(words.length > 1 ? words[1].replaceFirst("^for ", "") : "");
            case "to" -> {
                String[] parts = words[1].split("\\s+as\\s+", 2);
                yield new Move(
                        parts[0].strip(), parts.length > 1 ? Form.of(parts[1]) : Form.AS_IT_IS);
            }
            case "set" -> {
                var values = new LinkedHashMap<String, Object>();
                for (String assignment : words[1].split("\\s+and\\s+", -1)) {
                    String[] parts = assignment.split("\\s*=\\s*", 2);
                    values.put(parts[0].strip(), Leaf.parsed(parts[1].strip()));
                }
                yield new Put(values);
            }
            default -> throw new IllegalArgumentException("no outcome: " + text);
        };
    }

    /// Whether it concerns an option.
    boolean names(String key) {
        return keys.stream().anyMatch(pattern -> pattern.matcher(key).matches());
    }

    /// Whether it tells what an option stands for that the file leaves out.
    boolean ofAbsent() {
        return values.contains(ABSENT);
    }

    boolean fits(Object value) {
        Leaf leaf = new Leaf(value);
        return values.stream()
                .anyMatch(wanted ->
                        switch (wanted) {
                            case "*" -> true;
                            case ABSENT -> false;
                            case "off" -> leaf.off();
                            case "on" -> !leaf.off();
                            default -> pattern(wanted).matcher(leaf.text()).matches();
                        });
    }
}
