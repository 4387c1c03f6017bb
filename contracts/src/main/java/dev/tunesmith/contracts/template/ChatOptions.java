package dev.tunesmith.contracts.template;

import com.fasterxml.jackson.annotation.JsonIgnore;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// How conversations are written, beside what stands in them.
///
/// @param variables further variables of the chat template by name, such as `enable_thinking`; what
///   a template does not know changes nothing
/// @param parsesSpecial whether names of control tokens in texts of users become these tokens
public record ChatOptions(Map<String, @Nullable Object> variables, boolean parsesSpecial) {

    /// The template's own way, and texts are texts.
    public static final ChatOptions NONE = new ChatOptions(Map.of(), false);

    /// The key of the variables on the wire and in specs.
    public static final String KWARGS = "chat_template_kwargs";

    /// The key of the other choice in specs.
    public static final String PARSES_SPECIAL = "parse_special_tokens";

    /// The variable that most templates of models that think have.
    public static final String THINKING = "enable_thinking";

    /// The variable of templates that know how long to think.
    public static final String EFFORT = "reasoning_effort";

    private static final int NAMES_MAX = 32;
    private static final int CHARS_MAX = 16 << 10;
    private static final int DEPTH_MAX = 8;
    private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_]{0,63}");

    /// What the conversation itself says.
    private static final Set<String> TAKEN = Set.of("messages", "tools", "add_generation_prompt");

    public ChatOptions {
        variables =
                variables == null
                        ? Map.of()
                        : Collections.unmodifiableMap(new LinkedHashMap<>(variables));
    }

    /// Variables, and texts are texts.
    public static ChatOptions of(Map<?, ?> variables) {
        return of(variables, false);
    }

    /// The same as a wire has it, where values may be null.
    public static ChatOptions of(Map<?, ?> variables, boolean parsesSpecial) {
        Map<String, @Nullable Object> named = new LinkedHashMap<>();
        variables.forEach((name, value) -> named.put(String.valueOf(name), value));
        return new ChatOptions(named, parsesSpecial);
    }

    /// Whether nothing is asked for.
    @JsonIgnore
    public boolean isNone() {
        return equals(NONE);
    }

    /// Everything that is wrong with variables that somebody sent; nothing if they can be used.
    public static List<String> problems(Map<?, ?> given) {
        List<String> problems = new ArrayList<>();
        if (given.size() > NAMES_MAX) {
            problems.add("at most %d names, found %d".formatted(NAMES_MAX, given.size()));
        }
        for (Object key : given.keySet()) {
            String name = String.valueOf(key);
            if (!NAME.matcher(name).matches()) {
                problems.add(
                        "\"%s\" is no name of a variable: up to 64 letters, digits and _"
                                .formatted(
                                        name.codePointCount(0, name.length()) > 64
                                                ? name.substring(0, name.offsetByCodePoints(0, 64))
                                                        + "…"
                                                : name));
            } else if (TAKEN.contains(name)) {
                problems.add("\"%s\" is what the conversation itself says".formatted(name));
            }
        }
        if (size(given, 0) > CHARS_MAX) {
            problems.add(
                    "names and values have at most %d characters together, %d levels deep"
                            .formatted(CHARS_MAX, DEPTH_MAX));
        }
        return problems;
    }

    /// Characters of a JSON value, each entry counting one more; too many if it is too deep.
    private static long size(@Nullable Object value, int depth) {
        if (depth > DEPTH_MAX) {
            return CHARS_MAX + 1L;
        }
        return switch (value) {
            case String text -> text.length() + 1L;
            case Map<?, ?> map -> sizes(map.keySet(), depth) + sizes(map.values(), depth);
            case Collection<?> list -> sizes(list, depth);
            case null, default -> 8;
        };
    }

    private static long sizes(Collection<?> values, int depth) {
        long size = 1;
        for (Object value : values) {
            size += size(value, depth + 1);
            if (size > CHARS_MAX) {
                return size;
            }
        }
        return size;
    }
}
