package dev.tunesmith.engine.text;

import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/// The tokens that were added to a vocabulary, found in a text before it is cut into words: the
/// leftmost one, and of several there the longest.
final class AddedNames {

    private final Map<String, Integer> ids;
    private final BitSet firsts = new BitSet();
    private final int[] lengths;

    private AddedNames(Map<String, Integer> ids) {
        this.ids = ids;
        ids.keySet().forEach(name -> firsts.set(name.charAt(0)));
        this.lengths =
                ids.keySet().stream()
                        .mapToInt(name -> -name.length())
                        .distinct()
                        .sorted()
                        .toArray();
        Arrays.setAll(lengths, i -> -lengths[i]);
    }

    /// The added tokens of the tree of a `tokenizer.json`; nothing if one of them wants more than
    /// to be found.
    ///
    /// @param special whether control tokens are among them
    /// @param normalized whether those are meant that are looked for in normalized text
    static Optional<AddedNames> of(Map<String, Object> tree, boolean special, boolean normalized) {
        Map<String, Integer> ids = new HashMap<>();
        if (tree.get("added_tokens") instanceof List<?> added) {
            for (Object entry : added) {
                if (!(entry instanceof Map<?, ?> token)
                        || !(token.get("content") instanceof String name)
                        || !(token.get("id") instanceof Integer id)
                        || name.isEmpty()
                        || List.of("single_word", "lstrip", "rstrip").stream()
                                .anyMatch(flag -> Boolean.TRUE.equals(token.get(flag)))) {
                    return Optional.empty();
                }
                boolean wanted = special || !Boolean.TRUE.equals(token.get("special"));
                if (wanted && normalized == Boolean.TRUE.equals(token.get("normalized"))) {
                    ids.put(name, id);
                }
            }
        }
        return Optional.of(new AddedNames(ids));
    }

    /// Adds the ids of the names in a text, and hands over what lies between them.
    ///
    /// @return whether all of that was taken
    boolean divide(String text, IntList found, Predicate<String> between) {
        int from = 0;
        while (from < text.length()) {
            int name = next(text, from);
            boolean whole = from == 0 && name == text.length();
            if (name > from && !between.test(whole ? text : text.substring(from, name))) {
                return false;
            }
            from = name;
            if (name < text.length()) {
                from = name + lengthAt(text, name);
                found.add(ids.getOrDefault(text.substring(name, from), -1));
            }
        }
        return true;
    }

    /// Where the next name begins, or the end of the text.
    private int next(String text, int from) {
        if (lengths.length == 0) {
            return text.length();
        }
        for (int at = from; at < text.length(); at++) {
            if (firsts.get(text.charAt(at)) && lengthAt(text, at) > 0) {
                return at;
            }
        }
        return text.length();
    }

    /// How long the name is that begins at a place, 0 if none does.
    private int lengthAt(String text, int at) {
        for (int length : lengths) {
            if (at + length <= text.length() && ids.containsKey(text.substring(at, at + length))) {
                return length;
            }
        }
        return 0;
    }
}
