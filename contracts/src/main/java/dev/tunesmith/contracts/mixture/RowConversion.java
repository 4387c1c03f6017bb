package dev.tunesmith.contracts.mixture;

import dev.tunesmith.contracts.dataset.DatasetEntry;
import dev.tunesmith.contracts.dataset.Layout;
import dev.tunesmith.contracts.dataset.UsualRow;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// Rows of a file in the shape of OpenAI's and TRL's, as a [Reading] asks for it.
///
/// @param documents whether rows are documents for pre-training, which have no turns
public record RowConversion(Reading reading, boolean documents) {

    /// Whether rows stay as they are.
    public boolean changesNothing() {
        return reading.asFound() || (documents && reading.format() == Shape.CHATML);
    }

    /// A row, or why it cannot be used.
    public UsualRow of(Map<String, Object> row) {
        if (changesNothing()) {
            return UsualRow.of(row);
        }
        if (reading.format() == Shape.CHATML) {
            return chatMl(row);
        }
        boolean ranked =
                reading.ranking() || (row.get("chosen") != null && row.get("rejected") != null);
        Optional<DatasetEntry> entry = reading.entry(ranked);
        if (entry.isEmpty()) {
            return UsualRow.of(row);
        }
        if (documents && entry.get().layout() == Layout.ALPACA) {
            return document(row, entry.get());
        }
        return UsualRow.of(UsualRow.parsed(row), entry.get());
    }

    private static UsualRow document(Map<String, Object> row, DatasetEntry entry) {
        String key = entry.columns().getOrDefault("prompt", "text");
        if (!(row.get(key) instanceof String text)) {
            return new UsualRow(
                    row,
                    Optional.of(Layout.ALPACA),
                    Optional.of("has no text under the key %s".formatted(key)));
        }
        Map<String, Object> document = new LinkedHashMap<>();
        document.put("text", text);
        return new UsualRow(document, Optional.of(Layout.ALPACA), Optional.empty());
    }

    private static UsualRow chatMl(Map<String, Object> row) {
        Object text = row.get("text");
        return ChatMl.is(text)
                ? ChatMl.messages(String.valueOf(text))
                        .map(messages ->
                                new UsualRow(
                                        Map.of("messages", messages),
                                        Optional.empty(),
                                        Optional.empty()))
                        .orElseGet(() ->
                                refused(row, "a turn of the text has no role or no <|im_end|>"))
                : refused(row, "expected a text that begins with <|im_start|>");
    }

    private static UsualRow refused(Map<String, Object> row, String problem) {
        return new UsualRow(row, Optional.empty(), Optional.of(problem));
    }
}
