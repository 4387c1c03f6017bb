package dev.tunesmith.engine.vision;

import dev.tunesmith.engine.data.Pictures;
import dev.tunesmith.engine.data.Pictures.Grid;

/// How a model takes pictures, before anything is computed.
///
/// @param reader cuts a picture into patches
/// @param classRow whether a row of its own stands before those of every picture
/// @param imageToken stands for one row of a picture
public record Eyes(PictureReader reader, boolean classRow, int imageToken) {

    /// Rows that a picture becomes among the embeddings.
    public int rows(Grid grid) {
        return grid.patches() / (reader.merge() * reader.merge()) + (classRow ? 1 : 0);
    }

    /// The same tokens with as many placeholders for each picture as it has rows.
    ///
    /// @param ids one placeholder for each picture, in their order
    /// @throws IllegalArgumentException if there are more or fewer
    public int[] spread(int[] ids, Pictures pictures) {
        int all = 0;
        for (int id : ids) {
            all += id == imageToken ? 1 : 0;
        }
        if (all != pictures.grids().size()) {
            throw new IllegalArgumentException(
                    "%d placeholders for %d pictures".formatted(all, pictures.grids().size()));
        }
        int rows = pictures.grids().stream().mapToInt(this::rows).sum();
        int[] spread = new int[ids.length - all + rows];
        int at = 0;
        int picture = 0;
        for (int id : ids) {
            int times = id == imageToken ? rows(pictures.grids().get(picture++)) : 1;
            for (int i = 0; i < times; i++) {
                spread[at++] = id;
            }
        }
        return spread;
    }
}
