package dev.tunesmith.engine.data;

import dev.tunesmith.contracts.data.FileInspection;
import dev.tunesmith.contracts.data.RowSummary;
import dev.tunesmith.contracts.data.RowWork;
import dev.tunesmith.contracts.dataset.Cell;
import dev.tunesmith.contracts.dataset.FileKind;
import dev.tunesmith.contracts.dataset.UsualRow;
import dev.tunesmith.contracts.mixture.Chunk;
import dev.tunesmith.contracts.mixture.Reading;
import dev.tunesmith.contracts.mixture.RowConversion;
import dev.tunesmith.contracts.mixture.Shape;
import dev.tunesmith.contracts.twin.RowPrint;
import dev.tunesmith.engine.rows.FileScan;
import dev.tunesmith.engine.rows.RowFile;
import dev.tunesmith.engine.rows.RowFileException;
import dev.tunesmith.engine.rows.RowReader;
import dev.tunesmith.engine.rows.RowSource;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// The rows of a file, and how they are meant. Nothing of the file is held.
///
/// @param kind what the file is
public record SourceRows(RowSource source, FileKind kind, RowConversion conversion) {

    /// A file of which everything is recognised.
    public static SourceRows of(RowSource source) throws IOException {
        return of(source, new RowConversion(Reading.RECOGNISED, false));
    }

    /// A file whose rows are read in a known way.
    public static SourceRows of(RowSource source, RowConversion conversion) throws IOException {
        return new SourceRows(source, kind(source, conversion), conversion);
    }

    /// The kind of a file; what is nothing else is a text if documents are wanted, and otherwise
    /// checked as JSON lines, which reports it.
    private static FileKind kind(RowSource source, RowConversion conversion) throws IOException {
        FileKind named = conversion.reading().kind();
        if (named != null) {
            return named;
        }
        try {
            return RowFile.kind(source);
        } catch (RowFileException _) {
            boolean text =
                    (conversion.documents() || conversion.reading().format() == Shape.CHATML)
                            && RowFile.isText(source);
            return text ? FileKind.TEXT : FileKind.JSON_LINES;
        }
    }

    /// Inspects the rows as they are meant.
    public RowSummary inspect(FileInspection inspection) throws IOException {
        return FileScan.of(
                source, FileScan.Plan.of(kind, chunk(), inspection.begin(new Meant())), inspection);
    }

    /// Nothing is made of the rows.
    private final class Meant implements RowWork {
        @Override
        public RowWork following() {
            return this;
        }

        @Override
        public UsualRow meant(Map<String, Object> given) {
            return SourceRows.this.meant(given);
        }

        @Override
        public void row(
                long number, RowPrint print, Map<String, Object> row, Map<String, Object> usual) {
            // The inspection itself is all that is wanted.
        }

        @Override
        public void settle() {
            // Nothing was kept.
        }
    }

    /// Where the documents of a text file end.
    public Chunk chunk() {
        Chunk asked = conversion.reading().chunk();
        return asked == null ? Chunk.LINE : asked;
    }

    /// What a row of the file stands for, or why it cannot be used.
    UsualRow meant(Map<String, Object> given) {
        if (conversion.changesNothing()) {
            return new UsualRow(given, Optional.empty(), Optional.empty());
        }
        Map<String, Object> known = RowReader.known(given);
        UsualRow usual = conversion.of(known);
        return usual.problem().isPresent()
                ? usual
                : new UsualRow(withColumns(usual.row(), known), usual.layout(), Optional.empty());
    }

    /// Keys that say something of a row themselves, so that nothing else may stand under them.
    private static final Set<String> SHAPES =
            Set.of(
                    "tools",
                    "images",
                    "videos",
                    "audios",
                    "messages",
                    "conversations",
                    "instruction",
                    "prompt",
                    "completion",
                    "text",
                    "chosen",
                    "rejected",
                    "preferred_output",
                    "non_preferred_output",
                    "label",
                    "kto_tag");

    /// Other columns stay: an order asks for numbers, and a grader of answers to a prompt for any.
    private static Map<String, Object> withColumns(
            Map<String, Object> usual, Map<String, Object> given) {
        Map<String, Object> all = new LinkedHashMap<>(usual);
        boolean prompt =
                usual.containsKey("prompt")
                        && !usual.containsKey("completion")
                        && !usual.containsKey("chosen");
        given.forEach((key, value) -> {
            boolean number = value instanceof String && Cell.number(value).isPresent();
            boolean read = prompt && !SHAPES.contains(key);
            if (read || number || value instanceof Number || value instanceof Boolean) {
                all.putIfAbsent(key, value);
            }
        });
        return all;
    }
}
