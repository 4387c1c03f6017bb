package dev.tunesmith.engine.corpus;

import dev.tunesmith.contracts.data.DatasetStats;
import dev.tunesmith.contracts.mixture.RowOrder;
import dev.tunesmith.contracts.twin.HoldOut;
import dev.tunesmith.contracts.twin.Likeness;
import dev.tunesmith.contracts.twin.Twins;
import dev.tunesmith.engine.data.PackedRows;
import dev.tunesmith.engine.data.Packing;
import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.data.TokenShard;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/// Rows of several shards in an order of their own; a row may occur several times. The shards stay
/// the caller's to close.
public final class RowChoice implements PackedRows.Documents {

    private final List<TokenShard> shards;
    private final int documentsPerRow;
    private final long[] places;

    /// @param places of the rows: number of the shard in the upper half, of the row in the lower
    ///   one
    RowChoice(List<TokenShard> shards, int documentsPerRow, long[] places) {
        this.shards = List.copyOf(shards);
        this.documentsPerRow = documentsPerRow;
        this.places = places;
    }

    static long place(int shard, int row) {
        return (long) shard << 32 | row;
    }

    private RowChoice of(long[] others) {
        return new RowChoice(shards, documentsPerRow, others);
    }

    private TokenShard shard(int row) {
        return shards.get((int) (places[row] >>> 32));
    }

    private int within(int row) {
        return (int) places[row];
    }

    /// Number of rows.
    public int rows() {
        return places.length;
    }

    private int tokens(int row) {
        int tokens = 0;
        for (int i = 0; i < documentsPerRow; i++) {
            tokens += shard(row).length(within(row) * documentsPerRow + i);
        }
        return tokens;
    }

    /// The rows in another order; drawing by lot is left to the epochs.
    public RowChoice ordered(RowOrder order) {
        return switch (order) {
            case SHUFFLED, GIVEN -> this;
            case BY_LENGTH, GROUPED_BY_LENGTH -> {
                long[] ranks = new long[rows()];
                Arrays.setAll(ranks, row -> (long) tokens(row) << 32 | row);
                yield sorted(ranks);
            }
            case BY_COLUMN -> {
                long[] ranks = new long[rows()];
                Arrays.setAll(ranks, row -> (long) rank(shard(row).key(within(row))) << 32 | row);
                yield sorted(ranks);
            }
        };
    }

    /// Whole numbers in the order of floats.
    private static int rank(float value) {
        int bits = Float.floatToIntBits(value);
        return bits < 0 ? bits ^ 0x7FFFFFFF : bits;
    }

    private RowChoice sorted(long[] ranks) {
        Arrays.sort(ranks);
        return of(Arrays.stream(ranks).map(rank -> places[(int) rank]).toArray());
    }

    /// Rows that train and rows that are held out.
    public record Divided(RowChoice training, RowChoice heldOut) {}

    /// Holds rows out by what they say, so that equal ones stay together.
    ///
    /// @param size a share below 1, or a number of rows
    public Divided divided(double size, long seed) {
        long[] prints = new long[rows()];
        Arrays.setAll(prints, row -> shard(row).print(within(row)).normalised());
        BitSet held = HoldOut.rows(prints, size, seed);
        long[] out = held.stream().mapToLong(row -> places[row]).toArray();
        held.flip(0, rows());
        return new Divided(of(held.stream().mapToLong(row -> places[row]).toArray()), of(out));
    }

    /// Tokens that are learned.
    public long trainedTokens() {
        long trained = 0;
        for (int row = 0; row < rows(); row++) {
            for (int i = 0; i < documentsPerRow; i++) {
                trained += shard(row).trainedTokens(within(row) * documentsPerRow + i);
            }
        }
        return trained;
    }

    /// Figures of these rows.
    public DatasetStats stats() {
        int[] lengths = new int[rows()];
        long tokens = 0;
        long cut = 0;
        long cutTokens = 0;
        long repeated = 0;
        Twins twins = new Twins(Likeness.EXACT);
        for (int row = 0; row < lengths.length; row++) {
            lengths[row] = shard(row).fullLength(within(row));
            tokens += tokens(row);
            int longest = 0;
            for (int i = 0; i < documentsPerRow; i++) {
                longest = Math.max(longest, shard(row).length(within(row) * documentsPerRow + i));
            }
            cut += longest < lengths[row] ? 1 : 0;
            cutTokens += Math.max(0, lengths[row] - longest);
            repeated += twins.add(shard(row).print(within(row))) < row ? 1 : 0;
        }
        Arrays.sort(lengths);
        return new DatasetStats(
                lengths.length,
                tokens,
                trainedTokens(),
                percentile(lengths, 100),
                percentile(lengths, 50),
                percentile(lengths, 95),
                cut,
                repeated,
                percentile(lengths, 90),
                percentile(lengths, 99),
                cutTokens);
    }

    private static int percentile(int[] sorted, int percent) {
        int rank = Math.ceilDiv(sorted.length * percent, 100);
        return sorted.length == 0 ? 0 : sorted[Math.max(rank, 1) - 1];
    }

    @Override
    public int[] lengths() {
        int[] lengths = new int[Math.multiplyExact(rows(), documentsPerRow)];
        Arrays.setAll(
                lengths,
                i -> {
                    int row = i / documentsPerRow;
                    return shard(row).length(within(row) * documentsPerRow + i % documentsPerRow);
                });
        return lengths;
    }

    @Override
    public long line(int document) {
        int row = document / documentsPerRow;
        return shard(row).line(within(row) * documentsPerRow);
    }

    @Override
    public Sample sample(Packing.Piece piece) {
        int row = piece.row() / documentsPerRow;
        int document = within(row) * documentsPerRow + piece.row() % documentsPerRow;
        return shard(row).sample(new Packing.Piece(document, piece.start(), piece.length()));
    }
}
