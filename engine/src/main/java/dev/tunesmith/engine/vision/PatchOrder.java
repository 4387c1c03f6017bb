package dev.tunesmith.engine.vision;

import dev.tunesmith.engine.data.Pictures.Grid;
import java.util.ArrayList;
import java.util.List;

/// The order in which a tower computes patches, and where patches that see each other begin.
///
/// Patches come frame by frame; inside a frame those that are merged in the end lie together. With
/// windows, the merged groups are taken window by window.
///
/// @param rows which patch of the input each one is
/// @param places row and column of each patch in its frame, one after the other
/// @param back where each merged group of the input order is found
/// @param wholeStarts first patch of each frame, and the number of patches
/// @param windowStarts first patch of each window, and the number of patches
// Arrays: never compared.
@SuppressWarnings("ArrayRecordComponent")
record PatchOrder(int[] rows, int[] places, int[] back, int[] wholeStarts, int[] windowStarts) {

    static PatchOrder of(List<Grid> grids, int merge, int window) {
        int patches = grids.stream().mapToInt(Grid::patches).sum();
        Walk walk = new Walk(merge, Math.max(1, window / merge), patches);
        for (Grid grid : grids) {
            for (int frame = 0; frame < grid.frames(); frame++) {
                walk.frame(grid, window == 0);
            }
        }
        return walk.order();
    }

    int row(int patch) {
        return places[2 * patch];
    }

    int column(int patch) {
        return places[2 * patch + 1];
    }

    /// Goes through all frames.
    private static final class Walk {
        private final int merge;
        private final int side;
        private final int[] rows;
        private final int[] places;
        private final int[] back;
        private final List<Integer> wholes = new ArrayList<>(List.of(0));
        private final List<Integer> windows = new ArrayList<>(List.of(0));
        private int patch;
        private int firstGroup;

        /// @param side merged groups of a window in each direction
        Walk(int merge, int side, int patches) {
            this.merge = merge;
            this.side = side;
            this.rows = new int[patches];
            this.places = new int[2 * patches];
            this.back = new int[patches / (merge * merge)];
        }

        void frame(Grid grid, boolean oneWindow) {
            int groupRows = grid.rows() / merge;
            int groupColumns = grid.columns() / merge;
            int rowStep = oneWindow ? groupRows : side;
            int columnStep = oneWindow ? groupColumns : side;
            for (int top = 0; top < groupRows; top += rowStep) {
                for (int left = 0; left < groupColumns; left += columnStep) {
                    for (int r = top; r < Math.min(groupRows, top + rowStep); r++) {
                        for (int c = left; c < Math.min(groupColumns, left + columnStep); c++) {
                            group(r, c, firstGroup + r * groupColumns + c);
                        }
                    }
                    windows.add(patch);
                }
            }
            firstGroup += groupRows * groupColumns;
            wholes.add(patch);
        }

        private void group(int groupRow, int groupColumn, int group) {
            int unit = merge * merge;
            back[group] = patch / unit;
            for (int i = 0; i < unit; i++, patch++) {
                rows[patch] = group * unit + i;
                places[2 * patch] = groupRow * merge + i / merge;
                places[2 * patch + 1] = groupColumn * merge + i % merge;
            }
        }

        PatchOrder order() {
            return new PatchOrder(rows, places, back, array(wholes), array(windows));
        }

        private static int[] array(List<Integer> values) {
            return values.stream().mapToInt(Integer::intValue).toArray();
        }
    }
}
