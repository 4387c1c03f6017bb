package dev.tunesmith.contracts.mixture;

import dev.tunesmith.contracts.dataset.DatasetEntry;
import dev.tunesmith.contracts.dataset.FileKind;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// How the rows of a file are read, as far as somebody said so; the rest is recognised.
///
/// @param kind what the file is; null recognises it by its bytes
/// @param format shape of its rows; null recognises it by their keys
/// @param ranking whether a row holds a better and a worse answer
/// @param columns key in the row by role; once given, a role without one is not read
/// @param tags names of roles and keys of turns, likewise
/// @param chunk a document is all lines up to a blank one, or the whole file; null for each line
public record Reading(
        @Nullable FileKind kind,
        @Nullable Shape format,
        boolean ranking,
        @Nullable Map<String, String> columns,
        @Nullable Map<String, String> tags,
        @Nullable Chunk chunk) {

    /// Everything is recognised.
    public static final Reading RECOGNISED = new Reading(null, null, false, null, null, null);

    public Reading {
        columns = columns == null ? null : Map.copyOf(columns);
        tags = tags == null ? null : Map.copyOf(tags);
    }

    /// How an entry of a `dataset_info.json` is read. One that names neither columns nor tags says
    /// no more than its layout.
    public static Reading of(DatasetEntry entry) {
        Shape format =
                switch (entry.layout()) {
                    case ALPACA -> Shape.ALPACA;
                    case SHAREGPT -> Shape.SHAREGPT;
                    case OPENAI -> Shape.OPENAI;
                };
        return new Reading(null, format, entry.ranking(), entry.columns(), entry.tags(), null);
    }

    /// Whether rows are taken as they are found.
    public boolean asFound() {
        boolean turned =
                format == Shape.ALPACA || format == Shape.SHAREGPT || format == Shape.CHATML;
        return !turned && columns == null && tags == null;
    }

    /// Whether rows are read in another way than the check of an upload reads them, whose verdict
    /// on them says nothing then.
    public boolean overrules() {
        return !asFound() || (kind != null && kind != FileKind.JSON_LINES);
    }

    /// The same with another shape.
    public Reading with(Shape shape) {
        return new Reading(kind, shape, ranking, columns, tags, chunk);
    }

    /// Columns and tags, if rows have to be turned by them; the usual ones where none are named.
    ///
    /// @param ranked whether rows hold two answers
    public Optional<DatasetEntry> entry(boolean ranked) {
        if (asFound()) {
            return Optional.empty();
        }
        return (format == null ? Shape.ALPACA : format)
                .layout()
                .map(layout -> {
                    DatasetEntry usual = DatasetEntry.usual("", layout, ranked);
                    return new DatasetEntry(
                            usual.source(),
                            layout,
                            ranked,
                            columns == null ? usual.columns() : columns,
                            tags == null ? usual.tags() : tags,
                            usual.part(),
                            usual.numSamples());
                });
    }

    /// Every value that was given, as it stands in a spec.
    public Map<String, Object> wire() {
        Map<String, Object> wire = new LinkedHashMap<>();
        if (kind != null) {
            wire.put("kind", kind.wire());
        }
        if (format != null) {
            wire.put("format", format.wire());
        }
        if (ranking) {
            wire.put("ranking", true);
        }
        if (columns != null) {
            wire.put("columns", columns);
        }
        if (tags != null) {
            wire.put("tags", tags);
        }
        if (chunk != null) {
            wire.put("chunk", chunk.wire());
        }
        return wire;
    }
}
