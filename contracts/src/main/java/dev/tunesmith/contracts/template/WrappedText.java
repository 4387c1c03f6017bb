package dev.tunesmith.contracts.template;

import dev.tunesmith.contracts.jinja.Arguments;
import dev.tunesmith.contracts.jinja.Effort;
import dev.tunesmith.contracts.jinja.Limits;
import dev.tunesmith.contracts.jinja.Nothing;
import dev.tunesmith.contracts.jinja.TemplateException;
import dev.tunesmith.contracts.jinja.Values;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The filter `wordwrap`: lines of at most a width, broken as `textwrap` of Python breaks them.
final class WrappedText {
    private static final String BLANK = "[\\t\\n\\x0b\\x0c\\r ]";
    private static final String OTHER = "[^\\t\\n\\x0b\\x0c\\r ]";
    private static final String LETTER = "[^\\d\\W]";
    private static final String WORD = "[\\w!\"'&.,?]";

    /// Blanks, dashes between words, and words up to a hyphen or to their end.
    private static final Pattern CHUNK =
            Pattern.compile(
                    "%1$s+|(?<=%4$s)-{2,}(?=\\w)|%2$s+?(?:-(?:(?<=%3$s{2}-)|(?<=%3$s-%4$s-))(?=%3$s-?%3$s)|(?=%1$s|\\z)|(?<=%4$s)(?=-{2,}\\w))"
                            .formatted(BLANK, OTHER, LETTER, WORD),
                    Pattern.UNICODE_CHARACTER_CLASS);

    private static final Pattern WHOLE = Pattern.compile("%s+|%s+".formatted(BLANK, OTHER));

    private final int width;
    private final boolean breaksWords;
    private final boolean breaksAtHyphens;
    private final List<String> lines = new ArrayList<>();

    private WrappedText(int width, boolean breaksWords, boolean breaksAtHyphens) {
        this.width = width;
        this.breaksWords = breaksWords;
        this.breaksAtHyphens = breaksAtHyphens;
    }

    static Object wrap(Object value, Arguments arguments) {
        int width = arguments.integer(0, "width", 79);
        if (width <= 0) {
            throw TemplateException.runtime("wordwrap needs a width above 0");
        }
        Object given = arguments.or(2, "wrapstring", Nothing.NONE);
        String end = given == Nothing.NONE ? "\n" : Values.requireText(given, "wrapstring");
        String text = Values.text(value);
        Effort.slowText(text);
        List<String> wrapped = new ArrayList<>();
        for (Object line : Values.items(TextFilters.lines(text))) {
            var lines =
                    new WrappedText(
                            width,
                            arguments.truth(1, "break_long_words", true),
                            arguments.truth(3, "break_on_hyphens", true));
            lines.add(line.toString());
            wrapped.add(String.join(end, lines.lines));
            Limits.checkItems(lines.lines.size());
        }
        return String.join(end, wrapped);
    }

    private void add(String line) {
        Deque<String> chunks = chunks(line);
        while (!chunks.isEmpty()) {
            if (!lines.isEmpty() && chunks.getFirst().isBlank()) {
                chunks.removeFirst();
            }
            addOne(chunks);
        }
    }

    private Deque<String> chunks(String line) {
        Deque<String> chunks = new ArrayDeque<>();
        Matcher found = (breaksAtHyphens ? CHUNK : WHOLE).matcher(line);
        while (found.find()) {
            chunks.add(found.group());
            Limits.checkItems(chunks.size());
        }
        return chunks;
    }

    private void addOne(Deque<String> chunks) {
        Effort.items(1);
        Deque<String> line = new ArrayDeque<>();
        int used = 0;
        while (!chunks.isEmpty() && used + length(chunks.getFirst()) <= width) {
            used += length(chunks.getFirst());
            line.add(chunks.removeFirst());
        }
        if (!chunks.isEmpty() && length(chunks.getFirst()) > width) {
            if (breaksWords) {
                breakFirst(chunks, width - used, line);
            } else if (line.isEmpty()) {
                line.add(chunks.removeFirst());
            }
        }
        if (!line.isEmpty() && line.getLast().isBlank()) {
            line.removeLast();
        }
        if (!line.isEmpty()) {
            lines.add(String.join("", line));
        }
    }

    /// What of a word longer than a line still goes to this one.
    private void breakFirst(Deque<String> chunks, int room, Deque<String> line) {
        String word = chunks.removeFirst();
        Effort.text(word);
        int end = word.offsetByCodePoints(0, room);
        int hyphen = breaksAtHyphens ? word.lastIndexOf('-', end - 1) : -1;
        if (hyphen > 0 && word.chars().limit(hyphen).anyMatch(c -> c != '-')) {
            end = hyphen + 1;
        }
        line.add(word.substring(0, end));
        chunks.addFirst(word.substring(end));
    }

    private static int length(String text) {
        return text.codePointCount(0, text.length());
    }
}
