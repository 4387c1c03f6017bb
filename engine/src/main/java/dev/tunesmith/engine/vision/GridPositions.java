package dev.tunesmith.engine.vision;

import dev.tunesmith.engine.data.Pictures.Grid;
import java.util.Arrays;
import java.util.Iterator;

/// Positions of tokens by time, row and column: those of a text count on, those of a picture are
/// where its patches lie, and the text behind it goes on at its longer side.
public final class GridPositions {

    private final int imageToken;
    private final int merge;
    private final int[][] positions_AN;

    /// @param imageToken stands for one row of a picture
    /// @param merge so many patches in both directions are one row
    /// @param tokens number of tokens in all
    public GridPositions(int imageToken, int merge, int tokens) {
        this.imageToken = imageToken;
        this.merge = merge;
        this.positions_AN = new int[3][tokens];
    }

    /// Positions by axis (time, row, column) and token.
    public int[][] positions_AN() {
        return positions_AN;
    }

    /// Fills in the positions of one document, or a part of one that begins at position `first`.
    ///
    /// @return the position after its last token
    public int fill(int[] ids_N, int from, int to, int first, Iterator<Grid> grids) {
        int next = first;
        int n = from;
        while (n < to) {
            if (ids_N[n] != imageToken) {
                set(n++, next, next, next);
                next++;
                continue;
            }
            if (!grids.hasNext()) {
                throw new IllegalArgumentException(
                        "token %d at %d stands for a picture that is not there"
                                .formatted(imageToken, n));
            }
            Grid grid = grids.next();
            n = picture(n, grid, next);
            next += Math.max(grid.rows(), grid.columns()) / merge;
        }
        return next;
    }

    private int picture(int from, Grid grid, int first) {
        int n = from;
        for (int t = 0; t < grid.frames(); t++) {
            for (int r = 0; r < grid.rows() / merge; r++) {
                for (int c = 0; c < grid.columns() / merge; c++) {
                    set(n++, first + t, first + r, first + c);
                }
            }
        }
        return n;
    }

    private void set(int n, int time, int row, int column) {
        positions_AN[0][n] = time;
        positions_AN[1][n] = row;
        positions_AN[2][n] = column;
    }

    /// Which tokens stand for rows of pictures.
    public static int[] places(int[] ids_N, int imageToken) {
        int[] places = new int[ids_N.length];
        int count = 0;
        for (int n = 0; n < ids_N.length; n++) {
            if (ids_N[n] == imageToken) {
                places[count++] = n;
            }
        }
        return Arrays.copyOf(places, count);
    }
}
