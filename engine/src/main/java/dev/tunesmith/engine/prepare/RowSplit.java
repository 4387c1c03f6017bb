package dev.tunesmith.engine.prepare;

import dev.tunesmith.contracts.mixture.Reading;
import dev.tunesmith.contracts.twin.HoldOut;
import dev.tunesmith.contracts.twin.Likeness;
import dev.tunesmith.contracts.twin.RowPrint;
import dev.tunesmith.contracts.twin.Twins;
import dev.tunesmith.engine.io.JsonTree;
import dev.tunesmith.engine.rows.RowFile;
import dev.tunesmith.engine.rows.RowReader;
import dev.tunesmith.engine.rows.RowSource;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Divides a file of rows into one for training and one for validation; rows that say the same stay
/// together.
///
/// @param groups how many different things the rows say
public record RowSplit(long training, long validation, long groups) {

    /// Reads the file twice and writes both parts as JSON lines, in the order of the file.
    ///
    /// @param reading tells the kind of the file; rows are written as they are
    /// @param size a share below 1, or a number of rows
    public static RowSplit write(
            RowSource source,
            Reading reading,
            Likeness likeness,
            double size,
            long seed,
            Path training,
            Path validation)
            throws IOException {
        Twins twins = new Twins(likeness);
        long[] prints = new long[1024];
        int rows = 0;
        try (RowReader reader = RowFile.open(source, reading)) {
            Optional<Map<String, @Nullable Object>> row = reader.next();
            while (row.isPresent()) {
                prints = rows == prints.length ? Arrays.copyOf(prints, 2 * rows) : prints;
                prints[rows++] = RowPrint.of(row.get()).normalised();
                twins.add(row.get());
                row = reader.next();
            }
        }
        int[] groups = twins.groups();
        BitSet held =
                HoldOut.rows(HoldOut.ofGroups(Arrays.copyOf(prints, rows), groups), size, seed);
        write(source, reading, held, training, validation);
        return new RowSplit(
                (long) rows - held.cardinality(),
                held.cardinality(),
                Arrays.stream(groups).distinct().count());
    }

    private static void write(
            RowSource source, Reading reading, BitSet held, Path training, Path validation)
            throws IOException {
        try (RowReader reader = RowFile.open(source, reading);
                BufferedWriter kept = Files.newBufferedWriter(training);
                BufferedWriter out = Files.newBufferedWriter(validation)) {
            int place = 0;
            Optional<Map<String, @Nullable Object>> row = reader.next();
            while (row.isPresent()) {
                BufferedWriter target = held.get(place++) ? out : kept;
                target.write(JsonTree.text(row.get()));
                target.write('\n');
                row = reader.next();
            }
        }
    }
}
