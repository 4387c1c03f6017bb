package dev.tunesmith.bench.verify;

import dev.tunesmith.bench.golden.GoldenTensors;
import dev.tunesmith.engine.data.Pictures;
import dev.tunesmith.engine.data.Pictures.Grid;
import dev.tunesmith.engine.model.Architecture;
import dev.tunesmith.engine.vision.PictureReader;
import dev.tunesmith.engine.vision.Raster;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Pictures as golden files have them: whole ones by channel, row and column, or patches already.
final class GoldenPictures {

    private GoldenPictures() {}

    static Pictures of(GoldenTensors file, Architecture architecture) {
        float[] values = file.floats("pixel_values").orElse(new float[0]);
        if (values.length == 0 || architecture.vision().isEmpty()) {
            return Pictures.NONE;
        }
        Architecture.Patch patch = architecture.vision().get().patch();
        long[] shape = file.shape("pixel_values");
        if (shape.length == 4) {
            return cut(values, shape, patch);
        }
        int[] sizes = file.integers("image_grid_thw");
        List<Grid> grids = new ArrayList<>();
        for (int g = 0; g < sizes.length; g += 3) {
            grids.add(new Grid(sizes[g], sizes[g + 1], sizes[g + 2]));
        }
        return new Pictures(values, patch.numbers(), grids);
    }

    /// The patches that our own reader makes of the picture's bytes, if the file has them.
    static Optional<Pictures> read(GoldenTensors file, Architecture architecture) {
        if (!file.has("image_u8") || architecture.vision().isEmpty()) {
            return Optional.empty();
        }
        Architecture.Vision vision = architecture.vision().get();
        Architecture.Patch patch = vision.patch();
        long[] shape = file.shape("image_u8");
        int[] values = file.integers("image_u8");
        byte[] pixels = new byte[values.length];
        for (int i = 0; i < values.length; i++) {
            pixels[i] = (byte) values[i];
        }
        // The size fits already, so that nothing depends on how it would be changed.
        int fixed = (int) Math.min(shape[0], shape[1]);
        PictureReader reader =
                new PictureReader(patch.side(), patch.frames(), vision.plan().merge(), fixed);
        return Optional.of(reader.cut(new Raster((int) shape[0], (int) shape[1], pixels)));
    }

    private static Pictures cut(float[] values, long[] shape, Architecture.Patch patch) {
        int height = (int) shape[2];
        int width = (int) shape[3];
        int side = patch.side();
        Grid grid = new Grid(1, height / side, width / side);
        float[] patches = new float[values.length];
        List<Grid> grids = new ArrayList<>();
        int at = 0;
        for (int picture = 0; picture < shape[0]; picture++) {
            grids.add(grid);
            for (int p = 0; p < grid.patches(); p++) {
                for (int i = 0; i < patch.numbers(); i++) {
                    int channel = picture * patch.channels() + i / (side * side);
                    int row = p / grid.columns() * side + i / side % side;
                    int column = p % grid.columns() * side + i % side;
                    patches[at++] = values[(channel * height + row) * width + column];
                }
            }
        }
        return new Pictures(patches, patch.numbers(), grids);
    }
}
