package dev.tunesmith.contracts.jinja;

/// Looks for a part of a text in time that grows with both lengths and not with their product, as
/// the search of the JDK does for parts that nearly match everywhere.
final class TextSearch {
    private static final int SHORT = 32;

    private final String part;
    private int[] borders = {};

    TextSearch(String part) {
        this.part = part;
    }

    static boolean contains(String text, String part) {
        Effort.text(text);
        return new TextSearch(part).in(text, 0) >= 0;
    }

    /// Place of the part at or behind `from`, −1 if there is none.
    int in(String text, int from) {
        if (part.length() <= SHORT) {
            return text.indexOf(part, from);
        }
        if (borders.length == 0) {
            borders = borders(part);
        }
        int matched = 0;
        for (int at = from; at < text.length(); at++) {
            matched = longer(matched, text.charAt(at));
            if (matched == part.length()) {
                Effort.items((at - from) / SHORT);
                return at + 1 - matched;
            }
        }
        Effort.items((text.length() - from) / SHORT);
        return -1;
    }

    private int longer(int matched, char next) {
        int length = matched;
        while (length > 0 && part.charAt(length) != next) {
            length = borders[length - 1];
        }
        return part.charAt(length) == next ? length + 1 : 0;
    }

    /// For each beginning of a text, how much of its end is its beginning too (the algorithm of
    /// Knuth, Morris and Pratt).
    private static int[] borders(String part) {
        Effort.text(part);
        int[] borders = new int[part.length()];
        for (int i = 1; i < borders.length; i++) {
            int length = borders[i - 1];
            while (length > 0 && part.charAt(length) != part.charAt(i)) {
                length = borders[length - 1];
            }
            borders[i] = part.charAt(length) == part.charAt(i) ? length + 1 : 0;
        }
        return borders;
    }

    /// The last place of a part, −1 if there is none.
    static int last(String text, String part) {
        checkBackwards(text, part);
        return text.lastIndexOf(part);
    }

    /// Counts what a search from the end may cost.
    static void checkBackwards(String text, String part) {
        Effort.items((long) text.length() * Math.min(part.length(), text.length()) / 1024);
    }
}
