package dev.tunesmith.contracts.data;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// The shapes that a row can have, told apart by their keys.
public enum RowFormat {
    /// First, because such rows may also have the keys of the others.
    PREFERENCE("preferred_output", "chosen"),
    /// An answer with a verdict: `label` as in TRL's files, or LLaMA-Factory's `kto_tag`.
    JUDGED("kto_tag"),
    CHAT("messages"),
    COMPLETION("prompt"),
    TEXT("text");

    private final String key;
    private final String otherKey;

    RowFormat(String key) {
        this(key, key);
    }

    RowFormat(String key, String otherKey) {
        this.key = key;
        this.otherKey = otherKey;
    }

    /// The format of a row, if one of the keys is there.
    public static Optional<RowFormat> of(Map<String, ?> row) {
        if (isJudged(row)) {
            return Optional.of(JUDGED);
        }
        for (RowFormat format : values()) {
            if (row.containsKey(format.key) || row.containsKey(format.otherKey)) {
                return Optional.of(format);
            }
        }
        return Optional.empty();
    }

    /// Other files may have a field `label` of their own.
    private static boolean isJudged(Map<String, ?> row) {
        return row.get("label") instanceof Boolean
                && (row.containsKey("completion") || row.containsKey("messages"))
                && !row.containsKey("chosen");
    }

    @JsonCreator
    public static RowFormat parse(String wire) {
        return valueOf(wire.toUpperCase(Locale.ROOT));
    }

    @JsonValue
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }
}
