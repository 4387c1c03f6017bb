package dev.tunesmith.contracts.mixture;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/// In which order rows are trained; always a function of seed and epoch alone.
public enum RowOrder {
    /// By lot, another order in each epoch.
    SHUFFLED,
    /// As the files have them, mixed as asked for.
    GIVEN,
    /// Short rows first: a curriculum.
    BY_LENGTH,
    /// Rows of like length share a batch, the batches come by lot.
    GROUPED_BY_LENGTH,
    /// By a number in a column, smallest first: a curriculum of one's own.
    BY_COLUMN;

    @JsonCreator
    public static RowOrder of(String wire) {
        return valueOf(wire.toUpperCase(Locale.ROOT));
    }

    @JsonValue
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }
}
