package dev.tunesmith.engine.corpus;

import dev.tunesmith.contracts.dataset.FileKind;
import dev.tunesmith.contracts.dataset.UsualRow;
import dev.tunesmith.contracts.mixture.Chunk;
import dev.tunesmith.contracts.mixture.Reading;
import dev.tunesmith.contracts.mixture.RowConversion;
import dev.tunesmith.contracts.mixture.Shape;
import dev.tunesmith.engine.rows.RowFile;
import dev.tunesmith.engine.rows.RowFileException;
import dev.tunesmith.engine.rows.RowReader;
import dev.tunesmith.engine.rows.RowSource;
import java.io.IOException;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// What a file was taken for by its first rows, and how sure that is.
///
/// @param kind empty if its bytes and name told nothing
/// @param shape the shape of most rows; empty if none was known
/// @param fitting rows of that shape
/// @param looked rows that were looked at
/// @param usable rows that can be used as they are asked to be read
/// @param problem why the first of the others cannot
public record Recognition(
        Optional<FileKind> kind,
        Optional<Shape> shape,
        int fitting,
        int looked,
        int usable,
        Optional<String> problem) {

    private static final int ROWS_LOOKED_AT = 100;

    /// Looks at the first rows of a file. One that cannot be read is taken for nothing; reading it
    /// says why.
    ///
    /// @param documents whether documents for pre-training are wanted
    public static Recognition of(RowSource source, Reading reading, boolean documents)
            throws IOException {
        FileKind kind = reading.kind();
        try {
            kind = kind == null ? RowFile.kind(source) : kind;
        } catch (RowFileException _) {
            boolean text =
                    (documents || reading.format() == Shape.CHATML) && RowFile.isText(source);
            if (!text) {
                return new Recognition(
                        Optional.empty(), Optional.empty(), 0, 0, 0, Optional.empty());
            }
            kind = FileKind.TEXT;
        }
        Look look = new Look(new RowConversion(reading, documents));
        Chunk chunk = reading.chunk() == null ? Chunk.LINE : reading.chunk();
        try (RowReader rows = RowFile.open(source, kind, chunk)) {
            Optional<Map<String, @Nullable Object>> row = rows.next();
            while (row.isPresent() && look.looked < ROWS_LOOKED_AT) {
                look.at(row.get());
                row = rows.next();
            }
        } catch (RowFileException e) {
            look.problem = e.getMessage();
        }
        return look.result(kind);
    }

    /// Counts shapes.
    private static final class Look {
        private final RowConversion conversion;
        private final Map<Shape, Integer> shapes = new EnumMap<>(Shape.class);
        private int looked;
        private int usable;
        private @Nullable String problem;

        Look(RowConversion conversion) {
            this.conversion = conversion;
        }

        void at(Map<String, @Nullable Object> row) {
            Map<String, Object> known = RowReader.known(row);
            looked++;
            Optional<Shape> shape = Shape.of(UsualRow.parsed(known));
            shape.ifPresent(found -> shapes.merge(found, 1, Integer::sum));
            UsualRow usual = conversion.of(known);
            Shape asked = conversion.reading().format();
            boolean plain = conversion.reading().asFound() && asked != null;
            boolean other = plain && !shape.equals(Optional.ofNullable(asked));
            if (usual.problem().isEmpty() && !other) {
                usable++;
            } else if (problem == null) {
                problem = usual.problem().orElse("is of another shape");
            }
        }

        Recognition result(FileKind kind) {
            Optional<Map.Entry<Shape, Integer>> most =
                    shapes.entrySet().stream().max(Comparator.comparingInt(Map.Entry::getValue));
            return new Recognition(
                    Optional.of(kind),
                    most.map(Map.Entry::getKey),
                    most.map(Map.Entry::getValue).orElse(0),
                    looked,
                    usable,
                    Optional.ofNullable(problem));
        }
    }

    /// How sure the shape is, up to 1.
    public double confidence() {
        return looked == 0 ? 0 : (double) fitting / looked;
    }

    /// How the rows are read, given what was asked for: texts that were written as ChatML are taken
    /// apart.
    public Reading reading(Reading asked) {
        boolean chatMl = asked.asFound() && shape.equals(Optional.of(Shape.CHATML));
        return chatMl ? asked.with(Shape.CHATML) : asked;
    }

    /// What a file is taken for and why, for somebody who may know better.
    ///
    /// @param name what the file is called
    public String reason(String name, Reading asked) {
        if (refusal(asked).isPresent()) {
            return refusal(asked).get();
        }
        if (!asked.equals(Reading.RECOGNISED)) {
            return "read as %s: %d of the first %d rows can be used"
                    .formatted(asked.wire(), usable, looked);
        }
        String file = kind.map(found -> found.wire().replace('_', ' ')).orElse("no file of rows");
        String how =
                FileKind.named(RowFile.plain(name)).equals(kind)
                        ? "its name says so"
                        : "its first bytes are such";
        return "recognised as %s, because %s, with %s"
                .formatted(
                        file,
                        kind.isPresent() ? how : "neither name nor bytes tell",
                        shape.map(found ->
                                        "%s rows, because %d of the first %d have %s"
                                                .formatted(
                                                        found.wire(),
                                                        fitting,
                                                        looked,
                                                        found.mark()))
                                .orElse("rows of no known shape: name their columns"));
    }

    /// What was found, for the owner of the file.
    public String sentence(String name) {
        String file = kind.map(found -> found.wire().replace('_', ' ')).orElse("an unknown file");
        return shape.map(found ->
                        "%s is %s with %s rows: %d of the first %d have %s (confidence %s)"
                                .formatted(
                                        name,
                                        file,
                                        found.wire(),
                                        fitting,
                                        looked,
                                        found.mark(),
                                        String.format(Locale.ROOT, "%.2f", confidence())))
                .orElse("%s is %s with rows of no known shape".formatted(name, file));
    }

    /// Why a file cannot be what somebody said that it is; empty if it can.
    public Optional<String> refusal(Reading asked) {
        Shape format = asked.format();
        boolean said = format != null || asked.columns() != null || asked.tags() != null;
        if (!said || usable > 0 || looked == 0) {
            return Optional.empty();
        }
        String what =
                format == null
                        ? "the columns and tags given"
                        : "format %s".formatted(format.wire());
        String found =
                shape.filter(other -> other != format)
                        .map(other ->
                                "; found %s: %d of them have %s"
                                        .formatted(other.wire(), fitting, other.mark()))
                        .orElse("");
        return Optional.of(
                "%s was asked for, but none of the first %d rows fits: the first one %s%s"
                        .formatted(what, looked, problem.orElse("is of another shape"), found));
    }
}
