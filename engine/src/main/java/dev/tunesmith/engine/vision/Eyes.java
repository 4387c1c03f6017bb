package dev.tunesmith.engine.vision;

import dev.tunesmith.engine.data.ChatEncoder;
import dev.tunesmith.engine.data.Pictures;
import dev.tunesmith.engine.data.Pictures.Grid;
import dev.tunesmith.engine.data.Sample;
import dev.tunesmith.engine.data.UnusableRowException;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;

/// How a model takes pictures, before anything is computed.
///
/// @param reader cuts a picture into patches
/// @param classRow whether a row of its own stands before those of every picture
/// @param imageToken stands for one row of a picture
public record Eyes(PictureReader reader, boolean classRow, int imageToken)
        implements ChatEncoder.Sight {

    /// Rows that a picture becomes among the embeddings.
    public int rows(Grid grid) {
        return grid.patches() / (reader.merge() * reader.merge()) + (classRow ? 1 : 0);
    }

    @Override
    public Pictures picture(Object part, String place) {
        try {
            return reader.read(PictureUrl.bytes(PictureUrl.of(part)));
        } catch (IOException e) {
            throw new UnusableRowException(place, String.valueOf(e.getMessage()));
        }
    }

    @Override
    public Sample spread(Sample text, Pictures pictures) {
        long all = Arrays.stream(text.ids()).filter(id -> id == imageToken).count();
        List<Grid> grids = pictures.grids();
        if (all != grids.size()) {
            throw new IllegalArgumentException(
                    "%d placeholders for %d pictures".formatted(all, grids.size()));
        }
        int rows = grids.stream().mapToInt(this::rows).sum();
        int[] ids = new int[text.length() - grids.size() + rows];
        float[] weights = new float[ids.length];
        int at = 0;
        int picture = 0;
        for (int i = 0; i < text.length(); i++) {
            int id = text.ids()[i];
            int times = id == imageToken ? rows(grids.get(picture++)) : 1;
            Arrays.fill(ids, at, at + times, id);
            Arrays.fill(weights, at, at + times, text.weights()[i]);
            at += times;
        }
        return new Sample(ids, weights, text.value(), pictures);
    }
}
