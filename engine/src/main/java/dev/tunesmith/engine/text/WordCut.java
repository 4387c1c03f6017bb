package dev.tunesmith.engine.text;

import dev.tunesmith.engine.text.vocabulary.Splits;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Cuts text into words by hand where the regular expression is one of the three that most models
/// have: GPT-2's, Llama 3's and Qwen 2's.
///
/// @param digitsMost digits of a word; 0 for GPT-2's rules
record WordCut(int digitsMost) {

    private static final byte OTHER = 0;
    private static final byte LETTER = 1;
    private static final byte NUMBER = 2;
    private static final byte BLANK = 3;

    /// Versions of Unicode may differ in these; they are left to the library.
    private static final byte UNSETTLED = 4;

    private static final byte[] KINDS = kinds();

    /// Which characters are what. Only blocks count to which nothing but signs was added for long;
    /// U+017F, which some take for an s, does not.
    private static byte[] kinds() {
        byte[] kinds = new byte[1 << 16];
        for (int c = 0; c < kinds.length; c++) {
            boolean settled =
                    (c < 0x860 && c != 0x17F)
                            || (c >= 0x1E00 && c < 0x1F00)
                            || (c >= 0x2000 && c < 0x2C00)
                            || (c >= 0x3000 && c < 0xA000)
                            || (c >= 0xAC00 && c < 0xD7A4)
                            || (c >= 0xFF00 && c < 0xFFF0);
            kinds[c] = settled ? kind(c) : UNSETTLED;
        }
        return kinds;
    }

    private static byte kind(int c) {
        return switch (Character.getType(c)) {
            case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER ->
                    NUMBER;
            case Character.UNASSIGNED -> UNSETTLED;
            default -> Character.isLetter(c) ? LETTER : isBlank(c) ? BLANK : OTHER;
        };
    }

    /// The property White_Space of Unicode.
    private static boolean isBlank(int c) {
        return (c >= '\t' && c <= '\r')
                || c == 0x85
                || Character.getType(c) == Character.SPACE_SEPARATOR
                || Character.getType(c) == Character.LINE_SEPARATOR
                || Character.getType(c) == Character.PARAGRAPH_SEPARATOR;
    }

    /// The cut of a pre-tokenizer of a `tokenizer.json`, if it is one of the three.
    static Optional<WordCut> of(@Nullable Object preTokenizer) {
        if (!(preTokenizer instanceof Map<?, ?> step)) {
            return Optional.empty();
        }
        if (writesBytes(step) && !Boolean.FALSE.equals(step.get("use_regex"))) {
            return Optional.of(new WordCut(0));
        }
        return "Sequence".equals(step.get("type"))
                        && step.get("pretokenizers") instanceof List<?> steps
                        && steps.size() == 2
                        && steps.getFirst() instanceof Map<?, ?> split
                        && steps.getLast() instanceof Map<?, ?> bytes
                        && writesBytes(bytes)
                        && Boolean.FALSE.equals(bytes.get("use_regex"))
                ? ofSplit(split)
                : Optional.empty();
    }

    private static boolean writesBytes(Map<?, ?> step) {
        return "ByteLevel".equals(step.get("type"))
                && Boolean.FALSE.equals(step.get("add_prefix_space"));
    }

    private static Optional<WordCut> ofSplit(Map<?, ?> split) {
        boolean plain =
                "Split".equals(split.get("type"))
                        && "Isolated".equals(split.get("behavior"))
                        && Boolean.FALSE.equals(split.get("invert"));
        if (!plain || !(split.get("pattern") instanceof Map<?, ?> pattern)) {
            return Optional.empty();
        }
        Object regex = pattern.get("Regex");
        return Splits.THREE_DIGITS.equals(regex)
                ? Optional.of(new WordCut(3))
                : Splits.DIGITS_ALONE.equals(regex)
                        ? Optional.of(new WordCut(1))
                        : Optional.empty();
    }

    /// Whether this cut is that of the library for all characters of a text.
    static boolean covers(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (KINDS[c] == UNSETTLED) {
                if (!isPicture(text, i)) {
                    return false;
                }
                i++;
            }
        }
        return true;
    }

    /// Pairs in the blocks of emoji: neither letters nor numbers nor blanks, whether assigned or
    /// not.
    private static boolean isPicture(String text, int at) {
        if (!Character.isHighSurrogate(text.charAt(at)) || at + 1 == text.length()) {
            return false;
        }
        int point = text.codePointAt(at);
        return point >= 0x1F300 && point < 0x1FB00;
    }

    private static int kind(String text, int at, int end) {
        // Halves of the pairs that are covered count as signs.
        return at < end ? KINDS[text.charAt(at)] & 3 : -1;
    }

    /// The end of the word that begins at `from`, before `end`.
    int next(String text, int from, int end) {
        char c = text.charAt(from);
        int ending = c == '\'' ? ending(text, from, end) : from;
        if (ending > from) {
            return ending;
        }
        return digitsMost == 0 ? ofGpt2(text, from, end) : ofOthers(text, from, end);
    }

    private int ending(String text, int from, int end) {
        boolean anyCase = digitsMost > 0;
        char first = letter(text, from + 1, end, anyCase);
        char second = letter(text, from + 2, end, anyCase);
        return switch (first) {
            case 's', 't', 'm', 'd' -> from + 2;
            case 'r', 'v' -> second == 'e' ? from + 3 : from;
            case 'l' -> second == 'l' ? from + 3 : from;
            default -> from;
        };
    }

    private static char letter(String text, int at, int end, boolean anyCase) {
        char c = at < end ? text.charAt(at) : 0;
        return anyCase && c >= 'A' && c <= 'Z' ? (char) (c + 32) : c;
    }

    private static int run(String text, int from, int end, int kind) {
        int at = from;
        while (kind(text, at, end) == kind) {
            at++;
        }
        return at;
    }

    private static int ofGpt2(String text, int from, int end) {
        int kind = kind(text, from, end);
        if (kind != BLANK) {
            return run(text, from, end, kind);
        }
        int next = kind(text, from + 1, end);
        return text.charAt(from) == ' ' && next >= 0 && next != BLANK
                ? run(text, from + 1, end, next)
                : blanks(text, from, end);
    }

    private int ofOthers(String text, int from, int end) {
        char c = text.charAt(from);
        int kind = kind(text, from, end);
        if (kind == LETTER) {
            return run(text, from, end, LETTER);
        }
        if (kind == NUMBER) {
            return Math.min(run(text, from, end, NUMBER), from + digitsMost);
        }
        int behind = from + (Character.isHighSurrogate(c) ? 2 : 1);
        int next = kind(text, behind, end);
        if (next == LETTER && !isLineEnd(c)) {
            return run(text, behind, end, LETTER);
        }
        if (kind == OTHER || (c == ' ' && next == OTHER)) {
            int at = run(text, kind == OTHER ? from : from + 1, end, OTHER);
            while (at < end && isLineEnd(text.charAt(at))) {
                at++;
            }
            return at;
        }
        int all = run(text, from, end, BLANK);
        for (int at = all; at > from; at--) {
            if (isLineEnd(text.charAt(at - 1))) {
                return at;
            }
        }
        return blanks(text, from, end);
    }

    private static boolean isLineEnd(char c) {
        return c == '\n' || c == '\r';
    }

    /// All blanks but the last one, unless the text ends with them.
    private static int blanks(String text, int from, int end) {
        int all = run(text, from, end, BLANK);
        return all == end || all == from + 1 ? all : all - 1;
    }
}
