package dev.tunesmith.engine.nn.position;

import dev.tunesmith.engine.ops.Rotation.Angles;
import dev.tunesmith.engine.tensor.Region;
import dev.tunesmith.engine.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/// Cosines and sines of one [Rotary], computed once as far as positions have been seen.
public final class RotaryTable implements AutoCloseable {

    private static final int ROWS_MIN = 512;

    private final Rotary rotary;
    private @Nullable Region region;
    private @Nullable Tensor cos_PW;
    private @Nullable Tensor sin_PW;
    private int rows;

    /// An empty table.
    public RotaryTable(Rotary rotary) {
        this.rotary = rotary;
    }

    /// The angles of tokens at `positions_N`.
    ///
    /// @param lengths_N length of the sequence that each token belongs to; only read where angles
    ///   depend on it
    /// @param step where tables live that serve this step only
    public Angles angles(int[] positions_N, int[] lengths_N, Region step) {
        if (rotary.dependsOnLength()) {
            return anglesByLength(positions_N, lengths_N, step);
        }
        int needed = 1;
        for (int position : positions_N) {
            needed = Math.max(needed, position + 1);
        }
        if (needed > rows || cos_PW == null || sin_PW == null) {
            grow(Math.max(ROWS_MIN, Integer.highestOneBit(needed) * 2));
        }
        return new Angles(built(cos_PW), built(sin_PW), step.ints(positions_N), rotary.pairing());
    }

    /// The angles of tokens with positions on several axes.
    ///
    /// @param positions_AN positions by axis and token
    public Angles angles(int[][] positions_AN, int[] lengths_N, Region step) {
        int half = rotary.width() / 2;
        int tokens = lengths_N.length;
        float[] cos = new float[tokens * half];
        float[] sin = new float[tokens * half];
        int[] rowOf = new int[tokens];
        float[] frequencies = rotary.frequencies(0);
        double amplitude = rotary.amplitude();
        for (int n = 0; n < tokens; n++) {
            if (rotary.dependsOnLength()) {
                frequencies = rotary.frequencies(lengths_N[n]);
            }
            for (int i = 0; i < half; i++) {
                float angle = positions_AN[rotary.axis(i)][n] * frequencies[i];
                cos[n * half + i] = (float) (Math.cos(angle) * amplitude);
                sin[n * half + i] = (float) (Math.sin(angle) * amplitude);
            }
            rowOf[n] = n;
        }
        return new Angles(
                step.floats(cos, tokens, half),
                step.floats(sin, tokens, half),
                step.ints(rowOf),
                rotary.pairing());
    }

    private void grow(int newRows) {
        close();
        Region fresh = Region.lasting("rotary table");
        int half = rotary.width() / 2;
        float[] cos = new float[newRows * half];
        float[] sin = new float[newRows * half];
        float[] frequencies = rotary.frequencies(0);
        for (int p = 0; p < newRows; p++) {
            fill(cos, sin, p * half, p, frequencies);
        }
        region = fresh;
        cos_PW = fresh.floats(cos, newRows, half);
        sin_PW = fresh.floats(sin, newRows, half);
        rows = newRows;
    }

    /// One row a token: sequences of different lengths turn differently.
    private Angles anglesByLength(int[] positions_N, int[] lengths_N, Region step) {
        int half = rotary.width() / 2;
        float[] cos = new float[positions_N.length * half];
        float[] sin = new float[positions_N.length * half];
        int[] rowOf = new int[positions_N.length];
        float[] frequencies = {};
        int length = -1;
        for (int n = 0; n < positions_N.length; n++) {
            if (lengths_N[n] != length) {
                length = lengths_N[n];
                frequencies = rotary.frequencies(length);
            }
            fill(cos, sin, n * half, positions_N[n], frequencies);
            rowOf[n] = n;
        }
        return new Angles(
                step.floats(cos, positions_N.length, half),
                step.floats(sin, positions_N.length, half),
                step.ints(rowOf),
                rotary.pairing());
    }

    private void fill(float[] cos, float[] sin, int at, int position, float[] frequencies) {
        double amplitude = rotary.amplitude();
        for (int i = 0; i < frequencies.length; i++) {
            float angle = position * frequencies[i];
            cos[at + i] = (float) (Math.cos(angle) * amplitude);
            sin[at + i] = (float) (Math.sin(angle) * amplitude);
        }
    }

    private static Tensor built(@Nullable Tensor table) {
        if (table == null) {
            throw new IllegalStateException("rotary table is closed");
        }
        return table;
    }

    /// Frees the table; it grows again when needed.
    @Override
    public void close() {
        if (region != null) {
            region.close();
        }
        region = null;
        cos_PW = null;
        sin_PW = null;
        rows = 0;
    }
}
