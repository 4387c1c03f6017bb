package dev.tunesmith.bench.nano;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// The items of a topic: numbers, rows of a table, or both, and what follows from them.
final class Items {

    private final List<String[]> rows = new ArrayList<>();
    private final List<String[]> formulas = new ArrayList<>();
    private String[] kind = {"once"};
    private String[] columns = {};

    void kind(String text) {
        kind = text.split(" ", -1);
    }

    void row(String text) {
        rows.add(text.split(" \\| ", -1));
    }

    void columns(String text) {
        columns = text.split(" ", -1);
    }

    void set(String text) {
        formulas.add(text.split(" ", -1));
    }

    List<Map<String, String>> expand() {
        List<Map<String, String>> items =
                switch (kind[0]) {
                    case "once" -> List.of(new LinkedHashMap<>());
                    case "table" -> table();
                    case "cycle" -> cycle();
                    case "mirrored" -> mirrored();
                    case "units" -> crossed(table(), numbers(kind[1], kind[2]));
                    case "range" -> numbers(kind[1], kind[2]);
                    case "pairs", "ordered", "different" -> pairs();
                    default -> throw new IllegalArgumentException("items " + kind[0]);
                };
        items.forEach(this::addFormulas);
        return items;
    }

    private List<Map<String, String>> table() {
        List<Map<String, String>> items = new ArrayList<>();
        for (String[] row : rows) {
            Map<String, String> item = new LinkedHashMap<>();
            for (int c = 0; c < columns.length; c++) {
                item.put(columns[c], row[c].strip());
            }
            items.add(item);
        }
        return items;
    }

    private List<Map<String, String>> cycle() {
        List<Map<String, String>> items = table();
        int n = items.size();
        List<Map<String, String>> linked = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            Map<String, String> item = new LinkedHashMap<>(items.get(i));
            items.get((i + 1) % n).forEach((column, value) -> item.put("next_" + column, value));
            items.get((i + n - 1) % n).forEach((c, value) -> item.put("last_" + c, value));
            linked.add(item);
        }
        return linked;
    }

    private List<Map<String, String>> mirrored() {
        List<Map<String, String>> items = table();
        List<Map<String, String>> both = new ArrayList<>(items);
        for (Map<String, String> item : items) {
            Map<String, String> mirror = new LinkedHashMap<>();
            for (int c = 0; c < columns.length; c += 2) {
                mirror.put(columns[c], slot(item, columns[c + 1]));
                mirror.put(columns[c + 1], slot(item, columns[c]));
            }
            both.add(mirror);
        }
        return both;
    }

    private List<Map<String, String>> pairs() {
        List<Map<String, String>> pairs = new ArrayList<>();
        String left = kind[1];
        String right = kind[3];
        for (Map<String, String> pair : crossed(numbers(left, kind[2]), numbers(right, kind[4]))) {
            int a = number(pair, left);
            int b = number(pair, right);
            boolean wanted =
                    switch (kind[0]) {
                        case "ordered" -> b <= a;
                        case "different" -> a != b;
                        default -> true;
                    };
            if (wanted) {
                pairs.add(pair);
            }
        }
        return pairs;
    }

    private static List<Map<String, String>> numbers(String name, String range) {
        String[] ends = range.split("\\.\\.", 2);
        List<Map<String, String>> numbers = new ArrayList<>();
        for (int n = Integer.parseInt(ends[0]); n <= Integer.parseInt(ends[1]); n++) {
            Map<String, String> item = new LinkedHashMap<>();
            item.put(name, Integer.toString(n));
            numbers.add(item);
        }
        return numbers;
    }

    private static List<Map<String, String>> crossed(
            List<Map<String, String>> outer, List<Map<String, String>> inner) {
        List<Map<String, String>> crossed = new ArrayList<>();
        for (Map<String, String> left : outer) {
            for (Map<String, String> right : inner) {
                Map<String, String> item = new LinkedHashMap<>(left);
                item.putAll(right);
                crossed.add(item);
            }
        }
        return crossed;
    }

    /// A formula is `name = left operator right` or `name = function argument…`.
    private void addFormulas(Map<String, String> item) {
        for (String[] words : formulas) {
            String value =
                    switch (words[2]) {
                        case "max" ->
                                text(Math.max(number(item, words[3]), number(item, words[4])));
                        case "min" ->
                                text(Math.min(number(item, words[3]), number(item, words[4])));
                        case "capital" -> capital(slot(item, words[3]));
                        case "plural" ->
                                slot(item, words[4]) + (number(item, words[3]) == 1 ? "" : "s");
                        case "is/are" -> number(item, words[3]) == 1 ? "is" : "are";
                        default -> calculated(item, words);
                    };
            item.put(words[0], value);
        }
    }

    private static String calculated(Map<String, String> item, String[] words) {
        int left = number(item, words[2]);
        int right = words[4].matches("\\d+") ? Integer.parseInt(words[4]) : number(item, words[4]);
        return switch (words[3]) {
            case "+" -> text(left + right);
            case "-" -> text(left - right);
            case "*" -> text(left * right);
            default -> throw new IllegalArgumentException("operator " + words[3]);
        };
    }

    private static String capital(String text) {
        return text.substring(0, 1).toUpperCase(Locale.ROOT) + text.substring(1);
    }

    private static String slot(Map<String, String> item, String name) {
        String value = item.get(name);
        if (value == null) {
            throw new IllegalArgumentException("no slot " + name);
        }
        return value;
    }

    private static int number(Map<String, String> item, String name) {
        return Integer.parseInt(slot(item, name));
    }

    private static String text(int number) {
        return Integer.toString(number);
    }
}
