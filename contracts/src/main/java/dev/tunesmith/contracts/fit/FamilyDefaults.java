package dev.tunesmith.contracts.fit;

import dev.tunesmith.contracts.tool.Notation;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// What a `config.json` means where it says nothing: the defaults of the family's configuration
/// class in transformers.
public final class FamilyDefaults {

    private static final Pattern WHOLE = Pattern.compile("-?\\d+");
    private static final Pattern NUMBER = Pattern.compile("-?\\d+(\\.\\d+)?(e-?\\d+)?");

    /// What the text model of a vision-language family is if its part does not say.
    private static final Map<String, String> TEXT_FAMILIES =
            Map.of(
                    "gemma3", "gemma3_text",
                    "llava", "llama",
                    "qwen2_vl", "qwen2_vl_text",
                    "qwen2_5_vl", "qwen2_5_vl_text");

    private static final Map<String, List<Default>> ALL =
            Notation.entries(FamilyDefaults.class, "family-defaults.txt").stream()
                    .collect(
                            Collectors.toUnmodifiableMap(
                                    Notation.Entry::key, entry -> defaults(entry.value())));

    private FamilyDefaults() {}

    /// What one option means if none of its names is there.
    ///
    /// @param names the usual name first
    private record Default(List<String> names, Object value) {}

    /// The same configuration, whose options have their usual names, with everything said; of a
    /// vision-language model what its text model says stands beside the rest. What is there stays,
    /// null too.
    public static Map<String, Object> completed(Map<String, Object> config) {
        String family = String.valueOf(config.get("model_type"));
        Map<String, Object> whole = new HashMap<>(config);
        textFamily(family, config.get("text_config")).ifPresent(text -> complete(whole, text));
        complete(whole, family);
        return whole;
    }

    private static Optional<String> textFamily(String family, @Nullable Object part) {
        return part instanceof Map<?, ?> text && text.get("model_type") instanceof String said
                ? Optional.of(said)
                : Optional.ofNullable(TEXT_FAMILIES.get(family));
    }

    private static void complete(Map<String, Object> config, String family) {
        for (Default absent : ALL.getOrDefault(family, List.of())) {
            if (absent.names.stream().noneMatch(config::containsKey)) {
                config.put(absent.names.getFirst(), absent.value);
            }
        }
    }

    private static List<Default> defaults(String line) {
        return Arrays.stream(line.split(" ")).map(FamilyDefaults::option).toList();
    }

    private static Default option(String text) {
        int equals = text.indexOf('=');
        return new Default(
                List.of(text.substring(0, equals).split("\\|")), value(text.substring(equals + 1)));
    }

    private static Object value(String text) {
        if (text.equals("true") || text.equals("false")) {
            return Boolean.valueOf(text);
        }
        if (WHOLE.matcher(text).matches()) {
            return Integer.valueOf(text);
        }
        return NUMBER.matcher(text).matches() ? Double.valueOf(text) : text;
    }
}
