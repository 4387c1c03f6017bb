package dev.tunesmith.engine.data;

import dev.tunesmith.engine.text.SpecialText;
import dev.tunesmith.engine.text.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Keeps the names of control tokens in what users write from becoming control tokens.
///
/// Before rendering, each such name in a content is replaced by a mark that no text contains (two
/// noncharacters of Unicode); after rendering, the marks tell which pieces are plain text.
final class ControlText {

    /// UTF-16 units, and code points, of a mark.
    static final int MARK_LENGTH = 2;

    private static final char MARK = '\uFDD0';
    private static final char FIRST = '\uFDD1';

    /// As many control tokens can be told apart as there are noncharacters for them.
    private static final int NAMES_MAX = 0xFDEF - FIRST + 1;

    private final Tokenizer tokenizer;
    private final List<String> names;

    /// With what characters names begin: most texts have few of them.
    private final BitSet firsts = new BitSet();

    ControlText(Tokenizer tokenizer) {
        this(tokenizer, tokenizer.specialTokens());
    }

    /// Lets all names become control tokens: what a text has of them was asked for.
    static ControlText parsed(Tokenizer tokenizer) {
        return new ControlText(tokenizer, List.of());
    }

    private ControlText(Tokenizer tokenizer, Collection<String> kept) {
        this.tokenizer = tokenizer;
        List<String> special = new ArrayList<>(kept);
        special.sort(Comparator.comparingInt(String::length).reversed());
        this.names = List.copyOf(special);
        names.stream().filter(name -> !name.isEmpty()).forEach(name -> firsts.set(name.charAt(0)));
    }

    /// The message with all its texts marked, at any depth.
    Map<String, Object> marked(Map<String, Object> message) {
        Map<String, Object> marked = new LinkedHashMap<>();
        message.forEach((key, value) -> marked.put(key, mark(value)));
        return marked;
    }

    /// A JSON value with all its texts marked, at any depth.
    Object markedTree(Object value) {
        return java.util.Objects.requireNonNull(mark(value));
    }

    /// A text with all names marked that `allowed` does not contain.
    String markedExcept(String text, String allowed) {
        String marked = text.replace(MARK, '\uFFFD');
        if (text.chars().noneMatch(firsts::get)) {
            return marked;
        }
        for (int i = 0; i < names.size(); i++) {
            if (marked.contains(names.get(i)) && !allowed.contains(names.get(i))) {
                marked = marked.replace(names.get(i), mark(i));
            }
        }
        return marked;
    }

    /// The same for a value that may be missing.
    @Nullable Object mark(@Nullable Object value) {
        return switch (value) {
            case String text -> mark(text);
            case List<?> list -> {
                List<@Nullable Object> marked = new ArrayList<>();
                list.forEach(entry -> marked.add(mark(entry)));
                yield marked;
            }
            case Map<?, ?> map -> {
                Map<Object, @Nullable Object> marked = new LinkedHashMap<>();
                map.forEach((key, entry) -> marked.put(key, mark(entry)));
                yield marked;
            }
            case null, default -> value;
        };
    }

    private String mark(String text) {
        return markedExcept(text, "");
    }

    private String mark(int index) {
        // Beyond the noncharacters the name is broken by a sign instead: never a control token.
        String name = names.get(index);
        return index < NAMES_MAX
                ? new String(new char[] {MARK, (char) (FIRST + index)})
                : name.charAt(0) + "\uFFFD" + name.substring(1);
    }

    /// Index of the next mark at or behind `from`, or the end of the text.
    static int nextMark(String rendered, int from) {
        int at = rendered.indexOf(MARK, from);
        return at < 0 ? rendered.length() : at;
    }

    /// The name for which the mark at `index` stands, if there is a mark.
    Optional<String> nameAt(String rendered, int index) {
        return rendered.charAt(index) == MARK
                ? Optional.of(names.get(rendered.charAt(index + 1) - FIRST))
                : Optional.empty();
    }

    /// The name of a control token as plain text. Some vocabularies hold it among the ordinary
    /// words; then its characters are encoded one by one.
    int[] literal(String name) {
        int[] ids = tokenizer.encode(name, SpecialText.USER);
        if (Arrays.stream(ids).noneMatch(tokenizer::isSpecial)) {
            return ids;
        }
        return name.codePoints()
                .mapToObj(Character::toString)
                .flatMapToInt(c -> Arrays.stream(tokenizer.encode(c, SpecialText.USER)))
                .toArray();
    }
}
