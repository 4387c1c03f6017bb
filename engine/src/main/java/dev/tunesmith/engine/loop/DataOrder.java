package dev.tunesmith.engine.loop;

import java.util.Arrays;

/// The order in which rows are trained: a pure function of seed and epoch.
///
/// A run is cut into epochs, an epoch into steps of `rowsPerStep` rows; the last step of an epoch
/// may be shorter, and no step mixes two epochs. Therefore a [Cursor] is all that a resumed run
/// needs.
///
/// @param rows number of rows (or packs) of the dataset
/// @param rowsPerStep rows of one optimizer step, all its micro-batches together
/// @param lots what is drawn by lot in every epoch
/// @param uses steps that read the same rows, one after another
public record DataOrder(int rows, int rowsPerStep, Lots lots, int uses) {

    private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;

    /// What is drawn by lot.
    public enum Lots {
        /// Nothing: every epoch has the order of the dataset.
        NONE,
        /// The place of each row.
        ROWS,
        /// The place of each full step; its rows stay together.
        STEPS
    }

    /// Where the next step begins.
    ///
    /// @param seed seed of all epochs of the run
    /// @param epoch full passes done
    /// @param row rows of this epoch already used
    /// @param use how often the next rows were used before
    public record Cursor(long seed, int epoch, int row, int use) {
        /// Rows that were not used yet.
        public Cursor(long seed, int epoch, int row) {
            this(seed, epoch, row, 0);
        }
    }

    /// An order in which every step reads other rows.
    public DataOrder(int rows, int rowsPerStep, boolean shuffled) {
        this(rows, rowsPerStep, shuffled ? Lots.ROWS : Lots.NONE, 1);
    }

    public DataOrder {
        if (rows < 1 || rowsPerStep < 1 || uses < 1) {
            throw new IllegalArgumentException(
                    "%d rows, %d per step: both must be positive".formatted(rows, rowsPerStep));
        }
    }

    /// Optimizer steps of one epoch.
    public int stepsPerEpoch() {
        return Math.multiplyExact(Math.ceilDiv(rows, rowsPerStep), uses);
    }

    /// The start of a run.
    public Cursor start(long seed) {
        return new Cursor(seed, 0, 0);
    }

    /// The row numbers of the step at `cursor`.
    public int[] rowsAt(Cursor cursor) {
        int end = Math.min(rows, cursor.row() + rowsPerStep);
        return Arrays.copyOfRange(permutation(cursor.seed(), cursor.epoch()), cursor.row(), end);
    }

    /// The cursor after the step at `cursor`.
    public Cursor after(Cursor cursor) {
        if (cursor.use() + 1 < uses) {
            return new Cursor(cursor.seed(), cursor.epoch(), cursor.row(), cursor.use() + 1);
        }
        int end = Math.min(rows, cursor.row() + rowsPerStep);
        return end == rows
                ? new Cursor(cursor.seed(), cursor.epoch() + 1, 0)
                : new Cursor(cursor.seed(), cursor.epoch(), end);
    }

    private int[] permutation(long seed, int epoch) {
        return switch (lots) {
            case NONE -> ordered(rows);
            case ROWS -> shuffled(rows, seed, epoch);
            case STEPS -> {
                int[] steps = shuffled(rows / rowsPerStep, seed, epoch);
                int[] order = ordered(rows);
                for (int step = 0; step < steps.length; step++) {
                    for (int i = 0; i < rowsPerStep; i++) {
                        order[step * rowsPerStep + i] = steps[step] * rowsPerStep + i;
                    }
                }
                yield order;
            }
        };
    }

    private static int[] ordered(int length) {
        int[] order = new int[length];
        Arrays.setAll(order, i -> i);
        return order;
    }

    private static int[] shuffled(int length, long seed, int epoch) {
        int[] order = ordered(length);
        long state = mix(seed) + epoch * GOLDEN_GAMMA;
        for (int i = length - 1; i > 0; i--) {
            state += GOLDEN_GAMMA;
            int j = (int) Long.remainderUnsigned(mix(state), i + 1L);
            int kept = order[i];
            order[i] = order[j];
            order[j] = kept;
        }
        return order;
    }

    /// The finaliser of SplitMix64 (Steele, Lea, Flood, 2014).
    private static long mix(long value) {
        long z = value;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
