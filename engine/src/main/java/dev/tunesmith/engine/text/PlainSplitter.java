package dev.tunesmith.engine.text;

import dev.tunesmith.engine.text.vocabulary.ByteAlphabet;
import java.nio.charset.StandardCharsets;
import java.text.Normalizer;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Cuts texts as the tokenizers library does, a hundred times as fast, where both are known to
/// agree: for the two usual shapes, and characters that all versions of Unicode in use know.
final class PlainSplitter {
    private static final String BLANK = "\u2581";

    private final Optional<Pattern> pattern;
    private final boolean composes;

    private PlainSplitter(Optional<Pattern> pattern, boolean composes) {
        this.pattern = pattern;
        this.composes = composes;
    }

    /// A splitter for a byte-level tokenizer with a regular expression, or for one that writes
    /// blanks as U+2581; nothing for any other shape.
    static Optional<PlainSplitter> of(
            Map<String, Object> normalizer, Map<String, Object> preTokenizer) {
        boolean composes = normalizer.equals(Map.of("type", "NFC"));
        if (!normalizer.isEmpty() && !composes) {
            return Optional.empty();
        }
        if (is(preTokenizer, "Metaspace")
                && BLANK.equals(preTokenizer.get("replacement"))
                && "always".equals(preTokenizer.get("prepend_scheme"))
                && Boolean.TRUE.equals(preTokenizer.get("split"))) {
            return Optional.of(new PlainSplitter(Optional.empty(), composes));
        }
        return preTokenizer.get("pretokenizers") instanceof List<?> steps
                        && steps.size() == 2
                        && steps.getFirst() instanceof Map<?, ?> split
                        && steps.getLast() instanceof Map<?, ?> bytes
                        && writesBytes(bytes)
                ? pattern(split).map(found -> new PlainSplitter(Optional.of(found), composes))
                : Optional.empty();
    }

    private static boolean is(Map<?, ?> step, String type) {
        return type.equals(step.get("type"));
    }

    private static boolean writesBytes(Map<?, ?> step) {
        return is(step, "ByteLevel")
                && Boolean.FALSE.equals(step.get("add_prefix_space"))
                && Boolean.FALSE.equals(step.get("use_regex"));
    }

    private static Optional<Pattern> pattern(Map<?, ?> step) {
        boolean plain =
                is(step, "Split")
                        && "Isolated".equals(step.get("behavior"))
                        && Boolean.FALSE.equals(step.get("invert"));
        return plain
                        && step.get("pattern") instanceof Map<?, ?> pattern
                        && pattern.get("Regex") instanceof String regex
                ? Optional.of(
                        Pattern.compile(
                                regex, Pattern.UNICODE_CHARACTER_CLASS | Pattern.UNICODE_CASE))
                : Optional.empty();
    }

    /// Whether the pieces of a text are those of the library.
    static boolean covers(String text) {
        return text.chars().allMatch(PlainSplitter::isSettled);
    }

    /// Blocks whose characters were all assigned long ago, and no half of a pair.
    private static boolean isSettled(int c) {
        return c < 0x860
                || (c >= 0x2000 && c < 0x2070)
                || (c >= 0x3000 && c < 0xA000)
                || (c >= 0xAC00 && c < 0xD7A4)
                || (c >= 0xFF00 && c < 0xFFF0);
    }

    /// Counts the pieces of a text.
    void count(String text, Map<String, Long> words) {
        String clean = composes ? Normalizer.normalize(text, Normalizer.Form.NFC) : text;
        if (pattern.isEmpty()) {
            countWords(clean, words);
            return;
        }
        Matcher matcher = pattern.get().matcher(clean);
        int at = 0;
        while (matcher.find()) {
            addBytes(clean, at, matcher.start(), words);
            addBytes(clean, matcher.start(), matcher.end(), words);
            at = matcher.end();
        }
        addBytes(clean, at, clean.length(), words);
    }

    private static void addBytes(String text, int begin, int end, Map<String, Long> words) {
        if (begin < end) {
            byte[] utf8 = text.substring(begin, end).getBytes(StandardCharsets.UTF_8);
            words.merge(ByteAlphabet.spell(utf8), 1L, Math::addExact);
        }
    }

    /// A word begins at each blank; the first one does so even if the text does not.
    private static void countWords(String text, Map<String, Long> words) {
        String marked = text.replace(" ", BLANK);
        String whole = marked.startsWith(BLANK) || marked.isEmpty() ? marked : BLANK + marked;
        int at = 0;
        while (at < whole.length()) {
            int next = whole.indexOf(BLANK, at + 1);
            int end = next < 0 ? whole.length() : next;
            words.merge(whole.substring(at, end), 1L, Math::addExact);
            at = end;
        }
    }
}
