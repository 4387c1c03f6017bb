package dev.tunesmith.contracts.data;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// The shapes that a row can have, told apart by their keys.
public enum RowFormat {
    CHAT("messages"),
    COMPLETION("prompt"),
    TEXT("text");

    private final String key;

    RowFormat(String key) {
        this.key = key;
    }

    /// The format of a row, if one of the keys is there.
    public static Optional<RowFormat> of(Map<String, ?> row) {
        for (RowFormat format : values()) {
            if (row.containsKey(format.key)) {
                return Optional.of(format);
            }
        }
        return Optional.empty();
    }

    @JsonCreator
    public static RowFormat parse(String wire) {
        return valueOf(wire.toUpperCase(Locale.ROOT));
    }

    @JsonValue
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// The key that makes a row one of this format.
    public String key() {
        return key;
    }
}
