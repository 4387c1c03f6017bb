package dev.tunesmith.contracts.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.BiPredicate;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/// The methods of Python's `str`.
public final class TextMethods {
    private static final Map<String, BiFunction<String, Arguments, Object>> ALL =
            Map.ofEntries(
                    Map.entry("strip", (s, a) -> strip(s, chars(a), true, true)),
                    Map.entry("lstrip", (s, a) -> strip(s, chars(a), true, false)),
                    Map.entry("rstrip", (s, a) -> strip(s, chars(a), false, true)),
                    Map.entry("split", (s, a) -> split(s, a, false)),
                    Map.entry("rsplit", (s, a) -> split(s, a, true)),
                    Map.entry("splitlines", TextMethods::splitLines),
                    Map.entry("startswith", (s, a) -> any(s, a, String::startsWith)),
                    Map.entry("endswith", (s, a) -> any(s, a, String::endsWith)),
                    Map.entry("find", (s, a) -> find(s, a, false)),
                    Map.entry("rfind", (s, a) -> find(s, a, true)),
                    Map.entry("index", (s, a) -> found(find(s, a, false))),
                    Map.entry("rindex", (s, a) -> found(find(s, a, true))),
                    Map.entry("count", TextMethods::count),
                    Map.entry("replace", TextMethods::replace),
                    Map.entry("upper", (s, a) -> s.toUpperCase(Locale.ROOT)),
                    Map.entry("lower", (s, a) -> s.toLowerCase(Locale.ROOT)),
                    Map.entry("casefold", (s, a) -> s.toLowerCase(Locale.ROOT)),
                    Map.entry("title", (s, a) -> title(s)),
                    Map.entry("capitalize", (s, a) -> capitalize(s)),
                    Map.entry("swapcase", (s, a) -> swapCase(s)),
                    Map.entry("isdigit", (s, a) -> all(s, Character::isDigit)),
                    Map.entry("isdecimal", (s, a) -> all(s, Character::isDigit)),
                    Map.entry("isnumeric", (s, a) -> all(s, Character::isDigit)),
                    Map.entry("isalpha", (s, a) -> all(s, Character::isLetter)),
                    Map.entry("isalnum", (s, a) -> all(s, Character::isLetterOrDigit)),
                    Map.entry("isspace", (s, a) -> all(s, TextMethods::space)),
                    Map.entry("isupper", (s, a) -> cased(s, Character::isLowerCase)),
                    Map.entry("islower", (s, a) -> cased(s, Character::isUpperCase)),
                    Map.entry("istitle", (s, a) -> isTitle(s)),
                    Map.entry("isascii", (s, a) -> s.chars().allMatch(c -> c < 128)),
                    Map.entry("join", TextMethods::join),
                    Map.entry("removeprefix", (s, a) -> removePrefix(s, a.text(0, "prefix"))),
                    Map.entry("removesuffix", (s, a) -> removeSuffix(s, a.text(0, "suffix"))),
                    Map.entry("partition", (s, a) -> partition(s, a.text(0, "sep"), false)),
                    Map.entry("rpartition", (s, a) -> partition(s, a.text(0, "sep"), true)),
                    Map.entry("ljust", (s, a) -> pad(s, a, 0)),
                    Map.entry("rjust", (s, a) -> pad(s, a, 2)),
                    Map.entry("center", (s, a) -> pad(s, a, 1)),
                    Map.entry("zfill", TextMethods::zeroFill),
                    Map.entry("format", Formats::braces),
                    Map.entry("expandtabs", TextMethods::expandTabs));

    private TextMethods() {}

    public static @Nullable Callable find(String text, String name) {
        BiFunction<String, Arguments, Object> method = ALL.get(name);
        return method == null
                ? null
                : arguments -> {
                    Effort.text(text);
                    arguments.positional().forEach(Effort::value);
                    return method.apply(text, arguments);
                };
    }

    public static boolean space(int c) {
        return Character.isWhitespace(c)
                || Character.isSpaceChar(c)
                || (c >= 0x1c && c <= 0x1f)
                || c == 0x85;
    }

    private static @Nullable String chars(Arguments arguments) {
        Object value = arguments.atMost(1).or(0, "chars", Nothing.NONE);
        return value == Nothing.NONE ? null : Values.requireText(value, "strip");
    }

    /// Strips characters of a set, or whitespace, off one or both ends.
    public static String strip(String text, @Nullable String chars, boolean left, boolean right) {
        IntPredicate drop = chars == null ? TextMethods::space : c -> chars.indexOf(c) >= 0;
        Effort.text(text);
        if (chars != null) {
            Effort.items((long) text.length() * chars.length() / 256);
        }
        int start = 0;
        int end = text.length();
        while (left && start < end && drop.test(text.codePointAt(start))) {
            start = text.offsetByCodePoints(start, 1);
        }
        while (right && end > start && drop.test(text.codePointBefore(end))) {
            end = text.offsetByCodePoints(end, -1);
        }
        return text.substring(start, end);
    }

    private static Object split(String text, Arguments arguments, boolean fromRight) {
        Object separator = arguments.or(0, "sep", Nothing.NONE);
        int max = arguments.integer(1, "maxsplit", -1);
        List<Object> parts;
        if (separator == Nothing.NONE) {
            Effort.slowText(text);
            parts = fromRight ? splitSpaceRight(text, max) : splitSpace(text, max);
        } else {
            String mark = Values.requireText(separator, "sep");
            if (mark.isEmpty()) {
                throw TemplateException.runtime("empty separator");
            }
            parts = fromRight ? splitRight(text, mark, max) : splitLeft(text, mark, max);
        }
        Limits.checkItems(parts.size());
        return parts;
    }

    private static List<Object> splitLeft(String text, String mark, int max) {
        List<Object> parts = new ArrayList<>();
        int at = 0;
        Search search = new Search(mark);
        for (int found = search.in(text, 0);
                found >= 0 && (max < 0 || parts.size() < max);
                found = search.in(text, at)) {
            parts.add(text.substring(at, found));
            Limits.checkItems(parts.size());
            at = found + mark.length();
        }
        parts.add(text.substring(at));
        return parts;
    }

    private static List<Object> splitRight(String text, String mark, int max) {
        List<Object> parts = new ArrayList<>();
        int end = text.length();
        Search.checkBackwards(text, mark);
        for (int found = text.lastIndexOf(mark);
                found >= 0 && (max < 0 || parts.size() < max);
                found = end < mark.length() ? -1 : text.lastIndexOf(mark, end - mark.length())) {
            parts.add(text.substring(found + mark.length(), end));
            Limits.checkItems(parts.size());
            end = found;
        }
        parts.add(text.substring(0, end));
        Collections.reverse(parts);
        return parts;
    }

    private static List<Object> splitSpace(String text, int max) {
        List<Object> parts = new ArrayList<>();
        int at = word(text, 0, false);
        while (at < text.length()) {
            if (max >= 0 && parts.size() == max) {
                parts.add(strip(text.substring(at), null, false, true));
                return parts;
            }
            int end = word(text, at, true);
            parts.add(text.substring(at, end));
            Limits.checkItems(parts.size());
            at = word(text, end, false);
        }
        return parts;
    }

    /// Where a word that begins at `at` ends, or where the next word begins.
    private static int word(String text, int at, boolean inside) {
        int end = at;
        while (end < text.length() && space(text.codePointAt(end)) != inside) {
            end += Character.charCount(text.codePointAt(end));
        }
        return end;
    }

    private static List<Object> splitSpaceRight(String text, int max) {
        List<Object> parts = new ArrayList<>();
        int end = wordBefore(text, text.length(), false);
        while (end > 0) {
            if (max >= 0 && parts.size() == max) {
                parts.add(text.substring(0, end));
                break;
            }
            int start = wordBefore(text, end, true);
            parts.add(text.substring(start, end));
            Limits.checkItems(parts.size());
            end = wordBefore(text, start, false);
        }
        Collections.reverse(parts);
        return parts;
    }

    private static int wordBefore(String text, int at, boolean inside) {
        int start = at;
        while (start > 0 && space(text.codePointBefore(start)) != inside) {
            start -= Character.charCount(text.codePointBefore(start));
        }
        return start;
    }

    private static Object splitLines(String text, Arguments arguments) {
        boolean keep = arguments.truth(0, "keepends", false);
        List<Object> lines = new ArrayList<>();
        int start = 0;
        for (int i = 0; i < text.length(); i++) {
            if (lineEnd(text.charAt(i))) {
                boolean pair =
                        text.charAt(i) == '\r'
                                && i + 1 < text.length()
                                && text.charAt(i + 1) == '\n';
                int next = i + (pair ? 2 : 1);
                lines.add(text.substring(start, keep ? next : i));
                Limits.checkItems(lines.size());
                start = next;
                i = next - 1;
            }
        }
        if (start < text.length()) {
            lines.add(text.substring(start));
        }
        return lines;
    }

    public static boolean lineEnd(char c) {
        return (c >= '\n' && c <= '\r')
                || (c >= 0x1c && c <= 0x1e)
                || c == 0x85
                || c == 0x2028
                || c == 0x2029;
    }

    /// The part of a text that `start` and `end` behind the first argument leave, and how many
    /// characters stand before it.
    private record Window(String text, int begin) {
        static Optional<Window> of(String whole, Arguments arguments) {
            if (arguments.count() < 2) {
                return Optional.of(new Window(whole, 0));
            }
            int size = whole.codePointCount(0, whole.length());
            int begin = place(arguments.integer(1, "start", 0), size);
            int end = Math.min(size, place(arguments.integer(2, "end", size), size));
            if (begin > end) {
                return Optional.empty();
            }
            int from = whole.offsetByCodePoints(0, begin);
            return Optional.of(
                    new Window(
                            whole.substring(from, whole.offsetByCodePoints(from, end - begin)),
                            begin));
        }

        private static int place(int index, int size) {
            return index < 0 ? Math.max(0, index + size) : index;
        }
    }

    private static boolean any(String text, Arguments arguments, BiPredicate<String, String> test) {
        Object what = arguments.atMost(3).require(0, "affix");
        List<Object> affixes =
                what instanceof Sequence tuple && tuple.kind() == Sequence.Kind.TUPLE
                        ? tuple
                        : List.of(what);
        Optional<Window> window = Window.of(text, arguments);
        return affixes.stream()
                .map(affix -> Values.requireText(affix, "affix"))
                .anyMatch(affix -> window.filter(w -> test.test(w.text(), affix)).isPresent());
    }

    private static Object find(String text, Arguments arguments, boolean last) {
        String part = arguments.atMost(3).text(0, "sub");
        Window window = Window.of(text, arguments).orElse(null);
        if (window == null) {
            return -1L;
        }
        String seen = window.text();
        int at = last ? Search.last(seen, part) : new Search(part).in(seen, 0);
        return at < 0 ? -1L : (Object) (long) (window.begin() + seen.codePointCount(0, at));
    }

    private static Object found(Object place) {
        if (place.equals(-1L)) {
            throw TemplateException.runtime("substring not found");
        }
        return place;
    }

    private static Object count(String text, Arguments arguments) {
        String part = arguments.atMost(3).text(0, "sub");
        return Window.of(text, arguments).map(window -> count(window.text(), part)).orElse(0L);
    }

    private static long count(String text, String part) {
        if (part.isEmpty()) {
            return text.codePointCount(0, text.length()) + 1L;
        }
        long count = 0;
        Search search = new Search(part);
        for (int at = search.in(text, 0); at >= 0; at = search.in(text, at + part.length())) {
            Effort.items(count & 1);
            count++;
        }
        return count;
    }

    /// Tabs become blanks up to the next column that is a multiple of the size.
    private static Object expandTabs(String text, Arguments arguments) {
        Effort.slowText(text);
        int size = Math.max(0, arguments.atMost(1).integer(0, "tabsize", 8));
        Limits.checkLength(text.chars().filter(c -> c == '\t').count() * size + text.length());
        StringBuilder out = new StringBuilder();
        int column = 0;
        for (int c : text.codePoints().toArray()) {
            if (c == '\t') {
                int blanks = size == 0 ? 0 : size - column % size;
                out.repeat(' ', blanks);
                column += blanks;
            } else {
                out.appendCodePoint(c);
                column = c == '\n' || c == '\r' ? 0 : column + 1;
            }
        }
        return out.toString();
    }

    /// `replace(old, new, count)`
    public static Object replace(String text, Arguments arguments) {
        return replace(
                text,
                arguments.text(0, "old"),
                arguments.text(1, "new"),
                arguments.integer(2, "count", -1));
    }

    public static String replace(String text, String old, String fresh, int max) {
        var out = new StringBuilder();
        int at = 0;
        int done = 0;
        Search search = new Search(old);
        Effort.text(text);
        while (max < 0 || done < max) {
            int found = search.in(text, at);
            if (found < 0) {
                break;
            }
            out.append(text, at, found).append(fresh);
            Limits.checkLength(out.length());
            at = found + old.length();
            done++;
            if (old.isEmpty()) {
                if (at >= text.length()) {
                    return out.toString();
                }
                int next = text.offsetByCodePoints(at, 1);
                out.append(text, at, next);
                at = next;
            }
        }
        return out.append(text.substring(at)).toString();
    }

    public static String capitalize(String text) {
        if (text.isEmpty()) {
            return text;
        }
        String lower = text.toLowerCase(Locale.ROOT);
        int first = text.codePointAt(0);
        int length = Character.toString(first).toLowerCase(Locale.ROOT).length();
        return titleCase(first) + lower.substring(length);
    }

    private static String titleCase(int c) {
        int title = Character.toTitleCase(c);
        String upper = Character.toString(c).toUpperCase(Locale.ROOT);
        boolean expands = title == c && upper.codePointCount(0, upper.length()) > 1;
        // Characters like 'ß' become several letters, of which only the first is a capital.
        return expands
                ? upper.substring(0, 1) + upper.substring(1).toLowerCase(Locale.ROOT)
                : Character.toString(title);
    }

    private static String title(String text) {
        Effort.slowText(text);
        var out = new StringBuilder();
        var word = new StringBuilder();
        for (int c : text.codePoints().toArray()) {
            boolean letter =
                    Character.isUpperCase(c)
                            || Character.isLowerCase(c)
                            || Character.isTitleCase(c);
            if (letter) {
                word.appendCodePoint(c);
            } else {
                out.append(capitalize(word.toString())).appendCodePoint(c);
                word.setLength(0);
            }
        }
        return out.append(capitalize(word.toString())).toString();
    }

    private static String swapCase(String text) {
        Effort.slowText(text);
        var out = new StringBuilder();
        for (int c : text.codePoints().toArray()) {
            String one = Character.toString(c);
            out.append(
                    Character.isUpperCase(c)
                            ? one.toLowerCase(Locale.ROOT)
                            : one.toUpperCase(Locale.ROOT));
        }
        return out.toString();
    }

    private static boolean all(String text, IntPredicate test) {
        Effort.slowText(text);
        return !text.isEmpty() && text.codePoints().allMatch(test);
    }

    private static boolean cased(String text, IntPredicate other) {
        Effort.slowText(text);
        return text.codePoints().noneMatch(other)
                && text.codePoints()
                        .anyMatch(c -> Character.isUpperCase(c) || Character.isLowerCase(c));
    }

    /// Whether capitals stand where letters follow none, and nowhere else.
    private static boolean isTitle(String text) {
        Effort.slowText(text);
        boolean inside = false;
        boolean letters = false;
        for (int c : text.codePoints().toArray()) {
            boolean capital = Character.isUpperCase(c) || Character.isTitleCase(c);
            boolean letter = capital || Character.isLowerCase(c);
            if (letter && capital == inside) {
                return false;
            }
            inside = letter;
            letters |= letter;
        }
        return letters;
    }

    private static Object join(String text, Arguments arguments) {
        List<Object> items = Values.items(arguments.require(0, "iterable"));
        var out = new StringBuilder();
        String separator = "";
        for (Object item : items) {
            if (!(item instanceof String)) {
                throw TemplateException.runtime("join needs texts, found " + Values.type(item));
            }
            out.append(separator).append(item);
            Limits.checkLength(out.length());
            separator = text;
        }
        return out.toString();
    }

    private static String removePrefix(String text, String prefix) {
        return text.startsWith(prefix) ? text.substring(prefix.length()) : text;
    }

    private static String removeSuffix(String text, String ending) {
        return text.endsWith(ending) ? text.substring(0, text.length() - ending.length()) : text;
    }

    private static Object partition(String text, String mark, boolean last) {
        if (mark.isEmpty()) {
            throw TemplateException.runtime("empty separator");
        }
        int at = last ? Search.last(text, mark) : new Search(mark).in(text, 0);
        if (at < 0) {
            return last ? Sequence.tuple("", "", text) : Sequence.tuple(text, "", "");
        }
        return Sequence.tuple(text.substring(0, at), mark, text.substring(at + mark.length()));
    }

    private static Object pad(String text, Arguments arguments, int side) {
        int width = Numbers.requireInt(arguments.require(0, "width"));
        String fill = arguments.text(1, "fillchar", " ");
        if (fill.codePointCount(0, fill.length()) != 1) {
            throw TemplateException.runtime(
                    "the fill character must be exactly one character long");
        }
        Limits.checkLength(2L * width);
        int missing = Math.max(0, width - text.codePointCount(0, text.length()));
        // Python gives the odd blank of `center` to the left when the width is odd.
        int left =
                switch (side) {
                    case 0 -> 0;
                    case 1 -> missing / 2 + (missing & width & 1);
                    default -> missing;
                };
        return fill.repeat(left) + text + fill.repeat(missing - left);
    }

    private static Object zeroFill(String text, Arguments arguments) {
        int width = Numbers.requireInt(arguments.require(0, "width"));
        Limits.checkLength(width);
        int missing = Math.max(0, width - text.codePointCount(0, text.length()));
        boolean signed = text.startsWith("-") || text.startsWith("+");
        return signed
                ? text.charAt(0) + "0".repeat(missing) + text.substring(1)
                : "0".repeat(missing) + text;
    }

    /// Looks for a part of a text in time that grows with both lengths and not with their product,
    /// as the search of the JDK does for parts that nearly match everywhere.
    static final class Search {
        private static final int SHORT = 32;
        private static final int CHARS_OF_A_UNIT = 16;

        private final String part;
        private int[] borders = {};

        Search(String part) {
            this.part = part;
        }

        static boolean contains(String text, String part) {
            Effort.text(text);
            return new Search(part).in(text, 0) >= 0;
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
                    Effort.items((at - from) / CHARS_OF_A_UNIT);
                    return at + 1 - matched;
                }
            }
            Effort.items((text.length() - from) / CHARS_OF_A_UNIT);
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
}
