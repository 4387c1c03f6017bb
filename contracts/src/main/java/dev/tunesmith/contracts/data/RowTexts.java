package dev.tunesmith.contracts.data;

import dev.tunesmith.contracts.inspect.FindingKind;
import dev.tunesmith.contracts.inspect.Languages;
import dev.tunesmith.contracts.inspect.Scripts;
import dev.tunesmith.contracts.inspect.SensitiveText;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Looks at the texts of rows: what they hold that they should not, and what they are written in.
final class RowTexts {

    /// Fields that name something and say nothing.
    private static final Set<String> NAMES =
            Set.of(
                    "role",
                    "from",
                    "id",
                    "type",
                    "tool_call_id",
                    "name",
                    "images",
                    "videos",
                    "audios");

    /// The shortest text that can hold anything of interest.
    private static final int CHARACTERS_MIN = 6;

    private final Scripts scripts = new Scripts();
    private final Languages languages = new Languages();
    private String longest = "";
    private long characters;

    /// Looks at all texts of a row, and tells what was found in them.
    void look(Map<?, ?> row, Consumer<FindingKind> found) {
        longest = "";
        value(row, found);
        if (longest.length() >= CHARACTERS_MIN) {
            languages.add(longest);
        }
    }

    private void value(@Nullable Object value, Consumer<FindingKind> found) {
        switch (value) {
            case String text -> text(text, found);
            case Map<?, ?> map -> {
                for (Map.Entry<?, ?> entry : map.entrySet()) {
                    if (!(entry.getValue() instanceof String) || !isName(entry.getKey())) {
                        value(entry.getValue(), found);
                    }
                }
            }
            case List<?> list -> {
                for (Object inner : list) {
                    value(inner, found);
                }
            }
            case null, default -> {
                // Numbers and flags have no text.
            }
        }
    }

    private static boolean isName(@Nullable Object key) {
        return key instanceof String name && NAMES.contains(name);
    }

    private void text(String text, Consumer<FindingKind> found) {
        characters += text.length();
        scripts.add(text);
        if (text.length() > longest.length()) {
            longest = text;
        }
        if (text.length() >= CHARACTERS_MIN) {
            SensitiveText.scan(text, found);
            if (text.contains("<|") && text.contains("|>")) {
                found.accept(FindingKind.CONTROL_TEXT);
            }
        }
    }

    void addAll(RowTexts next) {
        scripts.addAll(next.scripts);
        languages.addAll(next.languages);
        characters += next.characters;
    }

    long characters() {
        return characters;
    }

    Map<String, Double> scripts() {
        return scripts.shares();
    }

    Map<String, Double> languages() {
        return languages.shares();
    }
}
