package dev.tunesmith.engine.text.vocabulary;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Collectors;

/// Whether a regular expression of a tokenizer goes over a text again and again.
///
/// The library of tokenizers ends the whole process when one match takes more than ten million
/// retries, which `(a+)+b` does on 30 letters. The engine of the JDK works in the same way and can
/// be watched, so it tries the expression on runs of the characters that may matter.
final class RegexProbe {
    /// Short runs show what doubles with each character, and do not overflow the stack.
    private static final List<Integer> LENGTHS = List.of(60, 1000);

    private static final int READS_OF_A_CHARACTER = 200;
    private static final int SIGNS_MAX = 40;
    private static final List<String> RUNS =
            List.of(
                    "a", "A", "1", " ", "\n", "\t", "\u00e9", "\u4e2d", "!", "_", "a\u0301", "a ",
                    "a1", "Aa", " \n", "\r\n", "a.", "'");
    private static final List<String> ENDS = List.of("", "!", "a", " ", "1", "\n");
    private static final Set<String> PUBLISHED = published();

    private RegexProbe() {}

    private static Set<String> published() {
        Set<String> all = new HashSet<>();
        Splits.ggufNames()
                .forEach(name ->
                        Splits.ofGguf(name)
                                .ifPresent(cut -> Patterns.of(cut.steps()).forEach(all::add)));
        return Set.copyOf(all);
    }

    /// Whether no run of characters made the expression start over too often.
    static boolean ends(String regex) {
        Pattern pattern;
        try {
            // With a reference in it, the JDK does not remember where a loop failed before.
            pattern =
                    Pattern.compile(
                            "(?:" + regex + ")(?<probe>)\\k<probe>",
                            Pattern.UNICODE_CHARACTER_CLASS);
        } catch (PatternSyntaxException _) {
            return true; // a notation that only the library has
        }
        if (PUBLISHED.contains(regex)) {
            return true;
        }
        Set<String> runs = new LinkedHashSet<>(RUNS);
        regex.codePoints()
                .filter(Character::isLetterOrDigit)
                .limit(SIGNS_MAX)
                .forEach(c -> runs.add(Character.toString(c)));
        for (String run : runs) {
            for (String end : ENDS) {
                for (int length : LENGTHS) {
                    if (!ends(pattern, run.repeat(length / run.length()) + end)) {
                        return false;
                    }
                }
            }
        }
        return true;
    }

    private static boolean ends(Pattern pattern, String text) {
        int[] reads = {READS_OF_A_CHARACTER * text.length()};
        Matcher matcher = pattern.matcher(new Watched(text, 0, text.length(), reads));
        try {
            for (int at = 0; at < 2; at++) {
                matcher.region(at, text.length()).lookingAt();
            }
            return true;
        } catch (TooManyReads _) {
            return false;
        } catch (StackOverflowError _) {
            return true; // the other engine keeps its stack on the heap
        }
    }

    private static final class TooManyReads extends RuntimeException {
        private static final long serialVersionUID = 1L;

        TooManyReads() {
            super("too many reads", null, false, false);
        }
    }

    /// May be read only so often.
    ///
    /// @param left how often still, shared with every part
    @SuppressWarnings("ArrayRecordComponent")
    private record Watched(String text, int start, int end, int[] left) implements CharSequence {
        @Override
        public int length() {
            return end - start;
        }

        @Override
        public char charAt(int index) {
            if (left[0]-- == 0) {
                throw new TooManyReads();
            }
            return text.charAt(start + index);
        }

        @Override
        public CharSequence subSequence(int from, int to) {
            return new Watched(text, start + from, start + to, left);
        }

        @Override
        public String toString() {
            return text.substring(start, end);
        }
    }

    /// The regular expressions in a tree of steps.
    static final class Patterns {
        private Patterns() {}

        static List<String> of(Object tree) {
            List<String> found = new ArrayList<>();
            collect(tree, found);
            return found.stream().distinct().collect(Collectors.toUnmodifiableList());
        }

        private static void collect(Object tree, List<String> found) {
            switch (tree) {
                case Map<?, ?> map -> {
                    if (map.get("Regex") instanceof String regex) {
                        found.add(regex);
                    }
                    map.values().stream()
                            .filter(Objects::nonNull)
                            .forEach(value -> collect(value, found));
                }
                case List<?> list ->
                        list.stream()
                                .filter(Objects::nonNull)
                                .forEach(value -> collect(value, found));
                default -> {}
            }
        }
    }
}
