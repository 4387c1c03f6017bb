package dev.tunesmith.engine.quant;

/// The fp32 sum of a row in the order in which torch adds on x86 (`cascade_sum`): 32 running sums
/// of every 32nd value, emptied into coarser sums from time to time.
///
/// The mean of a matrix's scales is written into checkpoints, so its last bit counts.
final class PairwiseSum {

    private static final int LANES = 8;
    private static final int ROWS = 4;
    private static final int WIDTH = LANES * ROWS;
    private static final int LEVELS = 4;

    private PairwiseSum() {}

    static float of(float[] values) {
        int vectors = values.length / LANES;
        float[] sums = columns(values, vectors / ROWS);
        // Vectors that do not fill a row go to the first of it.
        for (int v = vectors / ROWS * ROWS; v < vectors; v++) {
            for (int lane = 0; lane < LANES; lane++) {
                sums[lane] += values[v * LANES + lane];
            }
        }
        for (int row = 1; row < ROWS; row++) {
            for (int lane = 0; lane < LANES; lane++) {
                sums[lane] += sums[row * LANES + lane];
            }
        }
        float total = 0;
        for (int i = vectors * LANES; i < values.length; i++) {
            total += values[i];
        }
        for (int lane = 0; lane < LANES; lane++) {
            total += sums[lane];
        }
        return total;
    }

    /// Sums of the columns of a matrix with `count` rows of 32.
    private static float[] columns(float[] values, int count) {
        int power = Math.max(4, ceilLog2(count) / LEVELS);
        int step = 1 << power;
        int mask = step - 1;
        float[][] levels = new float[LEVELS][WIDTH];
        int i = 0;
        while (i + step <= count) {
            for (int end = i + step; i < end; i++) {
                add(levels[0], values, i * WIDTH);
            }
            for (int level = 1; level < LEVELS; level++) {
                add(levels[level], levels[level - 1], 0);
                levels[level - 1] = new float[WIDTH];
                if ((i & (mask << (level * power))) != 0) {
                    break;
                }
            }
        }
        for (; i < count; i++) {
            add(levels[0], values, i * WIDTH);
        }
        for (int level = 1; level < LEVELS; level++) {
            add(levels[0], levels[level], 0);
        }
        return levels[0];
    }

    private static void add(float[] sums, float[] values, int at) {
        for (int c = 0; c < WIDTH; c++) {
            sums[c] += values[at + c];
        }
    }

    private static int ceilLog2(int count) {
        return count <= 2 ? 1 : Integer.SIZE - Integer.numberOfLeadingZeros(count - 1);
    }
}
