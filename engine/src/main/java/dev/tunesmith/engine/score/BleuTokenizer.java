package dev.tunesmith.engine.score;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/// How [BleuScore] cuts a text into words.
///
/// Sources: the scripts mteval-v13a.pl and mteval-v14.pl of NIST; behaviour of sacrebleu 2.6.
public enum BleuTokenizer {
    /// As mteval-v13a, for western texts.
    WESTERN("13a"),
    /// As mteval-v14: at punctuation and symbols of Unicode.
    INTERNATIONAL("intl"),
    /// Each Chinese character a word, the rest as [#WESTERN].
    CHINESE("zh"),
    /// Each character a word.
    CHARACTERS("char"),
    /// At blanks only.
    NONE("none");

    private static final Pattern BLANKS =
            Pattern.compile(
                    "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f"
                            + "\\u3000]+");

    private static final List<Map.Entry<String, String>> ENTITIES =
            List.of(
                    Map.entry("&quot;", "\""),
                    Map.entry("&amp;", "&"),
                    Map.entry("&lt;", "<"),
                    Map.entry("&gt;", ">"));

    private static final List<Map.Entry<Pattern, String>> WESTERN_RULES =
            List.of(
                    rule("([ -&(-+/:-@\\[-`{-~])", " $1 "),
                    rule("([^0-9])([.,])", "$1 $2 "),
                    rule("([.,])([^0-9])", " $1 $2"),
                    rule("([0-9])(-)", "$1 $2 "));

    private static final List<Map.Entry<Pattern, String>> INTERNATIONAL_RULES =
            List.of(
                    rule("(\\P{N})(\\p{P})", "$1 $2 "),
                    rule("(\\p{P})(\\P{N})", " $1 $2"),
                    rule("(\\p{S})", " $1 "));

    /// First and last of each block. The one from U+2001 to U+2A6D looks wrong, as it has dashes,
    /// arrows and signs of mathematics, but that is what sacrebleu cuts: it compares with texts of
    /// two characters where blocks above U+FFFF are meant.
    private static final int[][] CHINESE_BLOCKS = {
        {0x2001, 0x2a6d}, {0x2e80, 0x2eff}, {0x2f00, 0x2fdf}, {0x2ff0, 0x303f}, {0x3100, 0x312f},
        {0x31a0, 0x31bf}, {0x31c0, 0x31ef}, {0x3200, 0x33ff}, {0x3400, 0x4db5}, {0x4e00, 0x9fbb},
        {0xf900, 0xfa2d}, {0xfa30, 0xfa6a}, {0xfa70, 0xfad9}, {0xfe10, 0xfe1f}, {0xfe30, 0xfe4f},
        {0xff00, 0xffef},
    };

    private final String wire;

    BleuTokenizer(String wire) {
        this.wire = wire;
    }

    /// The name in sacrebleu's signatures.
    public String wire() {
        return wire;
    }

    /// The words of a text.
    public List<String> words(String text) {
        String line = withoutBlanksAtEnd(text);
        return switch (this) {
            case WESTERN -> onBlanks(replaced(WESTERN_RULES, " " + plain(line) + " "));
            case INTERNATIONAL -> onBlanks(replaced(INTERNATIONAL_RULES, line));
            case CHINESE -> onBlanks(replaced(WESTERN_RULES, apart(withoutBlanksAtStart(line))));
            case CHARACTERS -> characters(line);
            case NONE -> onBlanks(line);
        };
    }

    /// The words between blanks of Unicode.
    static List<String> onBlanks(String text) {
        return Arrays.stream(BLANKS.split(text)).filter(word -> !word.isEmpty()).toList();
    }

    /// The characters other than blanks.
    static List<String> characters(String text) {
        return String.join("", onBlanks(text)).codePoints().mapToObj(Character::toString).toList();
    }

    /// A text without the blanks of Unicode at its end.
    static String withoutBlanksAtEnd(String text) {
        int end = text.length();
        while (end > 0 && BLANKS.matcher(text.substring(end - 1, end)).matches()) {
            end--;
        }
        return text.substring(0, end);
    }

    private static String withoutBlanksAtStart(String text) {
        int start = 0;
        while (start < text.length()
                && BLANKS.matcher(text.substring(start, start + 1)).matches()) {
            start++;
        }
        return text.substring(start);
    }

    private static String plain(String line) {
        String plain = line.replace("<skipped>", "").replace("-\n", "").replace("\n", " ");
        for (Map.Entry<String, String> entity : ENTITIES) {
            plain = plain.replace(entity.getKey(), entity.getValue());
        }
        return plain;
    }

    private static String apart(String line) {
        StringBuilder apart = new StringBuilder();
        line.codePoints()
                .forEach(point -> {
                    String blank = chinese(point) ? " " : "";
                    apart.append(blank).appendCodePoint(point).append(blank);
                });
        return apart.toString();
    }

    private static boolean chinese(int point) {
        return Arrays.stream(CHINESE_BLOCKS)
                .anyMatch(block -> block[0] <= point && point <= block[1]);
    }

    private static String replaced(List<Map.Entry<Pattern, String>> rules, String line) {
        String replaced = line;
        for (Map.Entry<Pattern, String> rule : rules) {
            replaced = rule.getKey().matcher(replaced).replaceAll(rule.getValue());
        }
        return replaced;
    }

    private static Map.Entry<Pattern, String> rule(String pattern, String replacement) {
        return Map.entry(Pattern.compile(pattern), replacement);
    }
}
