package dev.tunesmith.bench.verify;

import dev.tunesmith.bench.golden.GoldenTensors;
import dev.tunesmith.engine.data.Pictures;
import dev.tunesmith.engine.data.Pictures.Grid;
import dev.tunesmith.engine.model.Architecture;
import java.util.ArrayList;
import java.util.List;

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
